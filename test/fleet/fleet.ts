import { dirname } from 'node:path';
import type { Ended } from '../child.ts';
import type { TestKernel } from '../kernels.ts';
import { generate } from '../real/generated-source.ts';
import { World } from '../world.ts';
import { makeNetwork, type Network } from './network.ts';
import type { FleetNode } from './node.ts';
import { letInsecureOn, type RegistryServer, startRegistryOn } from './registry-server.ts';

/** A registry, a builder that has pushed what it built, and machines with the same packages, as many as a test wants. */

/** Where the proxies and fake registries of a test listen, and what they are called. */
export const hubPort = 5000;
const atHub = `hub:${hubPort}`;

export const names = ['high', 'low'] as const;

/** Private key of a builder. */
export const builderKey = '/etc/kmodsort/push_key';

/** Where a machine asks: the registry itself, or the hub that stands between. */
type Way = 'registry' | 'hub';

export interface Settings {
  readonly way?: Way | undefined;
  readonly policy?: 'prefer' | 'only';
  /** `kmods` if not given. */
  readonly repository?: string;
  /** More lines of framework.conf. */
  readonly more?: string;
}

export class Fleet {
  readonly network: Network;
  readonly release: string;
  readonly registryNode: FleetNode;
  /** As it runs now: whoever stops it and starts it again puts the new one here. */
  registry: RegistryServer;
  readonly #image: string;
  readonly #kernel: TestKernel;
  /** Lines of allowed_signers. */
  readonly #builders: string[] = [];

  constructor(network: Network, kernel: TestKernel, image: string, registryNode: FleetNode, registry: RegistryServer) {
    this.network = network;
    this.release = kernel.release;
    this.#kernel = kernel;
    this.#image = image;
    this.registryNode = registryNode;
    this.registry = registry;
  }

  /**
   * One more builder, which every machine from now on believes: it has built, and pushed nothing yet.
   *
   * @param edit changes it before it builds
   */
  async addBuilder(name: string, edit: (node: FleetNode) => unknown = () => undefined): Promise<FleetNode> {
    const node = await this.network.node(name, { layers: [this.#image] });
    await edit(node);
    this.#builders.push(`${name}@example.org ${await makeKeyOn(node, builderKey)}`);
    configure(node, { more: `push_key="${builderKey}"` });
    const { code, said } = await kmodsort(node, 'sync');
    if (code !== 0) throw new Error(`${name} could not build: ${said}`);
    return node;
  }

  /** A machine with the modules' sources and the kernel, which has built nothing yet. */
  async machine(name: string, settings: Settings = {}): Promise<FleetNode> {
    const node = await this.network.node(name, { layers: [this.#image] });
    configure(node, settings);
    trustOn(node, ...this.#builders);
    // What it writes is there before anybody compares.
    this.world(node);
    return node;
  }

  /** Its trees, as other tests look at them. */
  world(node: FleetNode): World {
    return new World(node.path('/'), [this.#kernel], 'debian');
  }

  /** Out-of-tree objects that are installed on a machine. */
  installed(node: FleetNode): string[] {
    return this.world(node).installedObjects(this.release);
  }
}

/** Write framework.conf. */
export const configure = (node: FleetNode, settings: Settings): void => {
  const { way = 'registry', policy = 'prefer', repository = 'kmods', more = '' } = settings;
  const from = `${way === 'hub' ? atHub : 'registry:5000'}/${repository}`;
  node.write('/etc/dkms/framework.conf', `prebuilt="${from}"\nprebuilt_policy="${policy}"\n${more}\n`);
};

/** All that a run said. */
export interface Told {
  readonly code: number | null;
  readonly said: string;
}

const told = ({ code, stdout, stderr }: Ended): Told => ({ code, said: `${stdout}${stderr}` });

export const kmodsort = async (node: FleetNode, ...words: readonly string[]): Promise<Told> =>
  told(await node.kmodsort(words));

/** Run a command that has to go well. */
export const must = async (node: FleetNode, ...argv: readonly string[]): Promise<string> => {
  const { code, said } = told(await node.run(argv));
  if (code !== 0) throw new Error(`${node.name}: ${argv.join(' ')} ended with ${code}: ${said}`);
  return said;
};

/** A key pair on a machine; its public half, as it stands in allowed_signers. */
export const makeKeyOn = async (node: FleetNode, file: string): Promise<string> => {
  await must(node, 'mkdir', '-p', dirname(file));
  await must(node, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'fleet', '-f', file);
  return node.read(`${file}.pub`).split(' ').slice(0, 2).join(' ');
};

/** Whom a machine believes: a line each. */
export const trustOn = (node: FleetNode, ...lines: readonly string[]): void =>
  node.write('/etc/kmodsort/allowed_signers', `${lines.join('\n')}\n`);

/** Make a module known, as `add` does. */
export const registerOn = async (node: FleetNode, name: string): Promise<void> => {
  await must(node, 'mkdir', '-p', `/var/lib/dkms/${name}/1.0`);
  await must(node, 'ln', '-s', `/usr/src/${name}-1.0`, `/var/lib/dkms/${name}/1.0/source`);
};

/** A machine as its packages leave it: a kernel with headers, and the sources of two modules, one of which needs the other. */
const makeImage = async (network: Network, kernel: TestKernel, more: (world: World) => void): Promise<string> => {
  const node = await network.node('image');
  const world = new World(node.path('/'), [kernel], 'debian');
  world.addKernel(kernel.release);
  generate(world, 'low', { unregistered: true });
  generate(world, 'high', { depends: ['low'], unregistered: true });
  more(world);
  for (const name of names) await registerOn(node, name);
  letInsecureOn(node, ['registry:5000', atHub]);
  await node.stop();
  return node.written;
};

export interface FleetOptions {
  /** Changes the machine of which all others are copies. */
  readonly more?: (world: World) => void;
  /** How large the registry's disk is, as mount(8) has the size of a tmpfs. */
  readonly registrySize?: string;
}

/** A fleet, and a builder of it that has built both modules, and pushed nothing yet. */
export const openFleet = async (
  kernel: TestKernel,
  options: FleetOptions = {},
): Promise<{ readonly fleet: Fleet; readonly builder: FleetNode }> => {
  const network = makeNetwork();
  const { more = () => undefined, registrySize } = options;
  const image = await makeImage(network, kernel, more);
  const registryNode = await network.node('registry');
  const registry = await startRegistryOn(registryNode, registrySize ? { size: registrySize } : {});
  const fleet = new Fleet(network, kernel, image, registryNode, registry);
  return { fleet, builder: await fleet.addBuilder('builder') };
};

/** Push all that a builder has; what it said. */
export const push = async (builder: FleetNode): Promise<string> => {
  const { code, said } = await kmodsort(builder, 'push');
  if (code !== 0) throw new Error(`push ended with ${code}: ${said}`);
  return said;
};
