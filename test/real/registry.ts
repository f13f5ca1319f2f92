import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { repository } from '../kernels.ts';
import { run } from '../packages.ts';

/** Debian's docker-registry, which is unpacked into a cache: on the machine it would be a service. */

const cache = join(repository, '.cache', 'docker-registry');
/** Its path, once it is there. */
export const registryProgram = join(cache, 'usr/bin/docker-registry');

/** Why there is no registry; undefined if there is. */
export const missingRegistry = (): string | undefined => {
  if (existsSync(registryProgram)) return undefined;
  mkdirSync(join(repository, '.cache'), { recursive: true });
  const temporary = mkdtempSync(join(repository, '.cache', '.tmp-registry-'));
  try {
    run('apt-get', ['download', '-q', 'docker-registry'], { cwd: temporary });
    const [name = ''] = readdirSync(temporary).filter((file) => file.endsWith('.deb'));
    run('dpkg', ['-x', name, '.'], { cwd: temporary });
    rmSync(join(temporary, name));
    if (!existsSync(registryProgram)) renameSync(temporary, cache);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
};

/** A registry that runs. */
export interface LiveRegistry {
  /** `localhost:34567`. */
  readonly host: string;
  readonly stop: () => void;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address && typeof address === 'object' ? address.port : 0));
    });
  });

const isUp = async (host: string): Promise<boolean> => {
  try {
    return (await fetch(`http://${host}/v2/`)).status < 500;
  } catch {
    return false;
  }
};

const untilUp = async (host: string, child: ChildProcess): Promise<void> => {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries += 1) {
    if (await isUp(host)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`docker-registry did not come up at ${host}`);
};

/** Let skopeo know a registry as one without TLS, for whoever has that home. */
export const letInsecure = (home: string, host: string): void => {
  const known = join(home, '.config/containers');
  mkdirSync(known, { recursive: true });
  writeFileSync(join(known, 'registries.conf'), `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
};

/**
 * Start a registry that keeps all below a directory. With a line of htpasswd(1) it asks who comes.
 *
 * @param home where skopeo looks for its files: there the registry is known as one without TLS
 */
export const startRegistry = async (directory: string, home: string, users?: string): Promise<LiveRegistry> => {
  const host = `localhost:${await freePort()}`;
  const passwords = join(directory, 'htpasswd');
  mkdirSync(join(directory, 'data'), { recursive: true });
  if (users !== undefined) writeFileSync(passwords, `${users}\n`);
  const auth = users === undefined ? '' : `auth:\n  htpasswd:\n    realm: kmods\n    path: ${passwords}\n`;
  const storage = `storage:\n  filesystem:\n    rootdirectory: ${join(directory, 'data')}\n`;
  const config = join(directory, 'config.yml');
  writeFileSync(config, `version: 0.1\nlog:\n  level: error\n${storage}http:\n  addr: ${host}\n${auth}`);
  letInsecure(home, host);
  const child = spawn(registryProgram, ['serve', config], { stdio: 'ignore', env: {} });
  await untilUp(host, child);
  return { host, stop: () => child.kill() };
};
