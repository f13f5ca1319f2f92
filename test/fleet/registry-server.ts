import { existsSync } from 'node:fs';
import { killGroup } from '../child.ts';
import { registryProgram } from '../real/registry.ts';
import type { FleetNode } from './node.ts';

/** Debian's docker-registry on a node of its own. */

const port = 5000;
const storage = '/var/lib/registry';

export interface RegistryOptions {
  /** It has nothing of its own, and brings what it is asked for from this registry: `registry:5000`. */
  readonly cacheOf?: string;
  /** All of its config.yml, in place of what follows from the rest. */
  readonly config?: string;
  /** Its disk, as mount(8) has the size of a tmpfs; the node's own if not given. */
  readonly size?: string;
}

export interface RegistryServer {
  /** `registry:5000`. */
  readonly host: string;
  /** Where it keeps all, on its node. */
  readonly storage: string;
  readonly stop: () => Promise<void>;
}

const configOf = ({ cacheOf }: RegistryOptions): string =>
  [
    'version: 0.1',
    'log:',
    '  level: error',
    'storage:',
    '  filesystem:',
    `    rootdirectory: ${storage}`,
    'http:',
    `  addr: 0.0.0.0:${port}`,
    ...(cacheOf === undefined ? [] : ['proxy:', `  remoteurl: http://${cacheOf}`]),
    '',
  ].join('\n');

const isUp = async ({ address }: FleetNode): Promise<boolean> => {
  try {
    return (await fetch(`http://${address}:${port}/v2/`)).status < 500;
  } catch {
    return false;
  }
};

/** Start it, and wait until it answers. What it holds stays where it is when it is stopped and started again. */
export const startRegistryOn = async (node: FleetNode, options: RegistryOptions = {}): Promise<RegistryServer> => {
  const { size } = options;
  if (!existsSync(node.path(storage))) {
    await node.run(['mkdir', '-p', storage]);
    if (size) await node.run(['mount', '-t', 'tmpfs', '-o', `size=${size}`, 'small', storage]);
  }
  node.write('/etc/registry.yml', options.config ?? configOf(options));
  const { child, ended } = node.start([registryProgram, 'serve', '/etc/registry.yml'], { timeout: 3_600_000 });
  for (let tries = 0; !(await isUp(node)); tries += 1) {
    if (tries === 200 || child.exitCode !== null) throw new Error(`docker-registry did not come up on ${node.name}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stop = async (): Promise<void> => {
    killGroup(child);
    await ended;
  };
  return { host: `${node.name}:${port}`, storage, stop };
};

/** Let skopeo on a node know registries as ones without TLS. */
export const letInsecureOn = (node: FleetNode, hosts: readonly string[]): void => {
  const known = hosts.map((host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  node.write('/etc/containers/registries.conf.d/fleet.conf', known.join('\n'));
};
