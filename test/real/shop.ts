import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';

/** A builder that pushes into a directory, machines that take from there, and what somebody else puts there. */

export const hash = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface Shop {
  readonly world: World;
  /** A directory in place of a registry. */
  readonly directory: string;
  /** Private key of the Builder. */
  readonly key: string;
  readonly signers: string;
}

export const makeKey = (world: World, name: string): string => {
  const file = join(world.root, 'keys', name);
  mkdirSync(join(world.root, 'keys'), { recursive: true });
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  return file;
};

export const publicKey = (file: string): string => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

export const configure = ({ world, directory, key, signers }: Shop, more = ''): void =>
  world.configure(
    [
      `prebuilt="${directory}"`,
      `allowed_signers="${signers}"`,
      `revoked_signers="${join(world.root, 'keys/revoked')}"`,
      `prebuilt_auth="${join(world.root, 'keys/auth.json')}"`,
      `push_key="${key}"`,
      more,
      '',
    ].join('\n'),
  );

/** A machine that has built and pushed two modules, one of which needs the other. */
export const openShop = async (kernels: readonly TestKernel[], more = '', distribution = 'arch'): Promise<Shop> => {
  const world = disposableWorld({ kernels, distribution });
  generate(world, 'low');
  generate(world, 'high', { depends: ['low'] });
  const shop: Shop = {
    world,
    directory: join(world.root, 'share'),
    key: makeKey(world, 'ci'),
    signers: join(world.root, 'keys/allowed_signers'),
  };
  mkdirSync(shop.directory);
  trust(shop);
  configure(shop, more);
  return shop;
};

export const trust = ({ key, signers }: Shop, options = ''): void =>
  writeFileSync(signers, `# Builders\nci@example.org ${options}${publicKey(key)}\n`);

/** Another machine with the same packages: it has built nothing yet, and remembers nothing. */
export const asNewMachine = async ({ world }: Shop, names: readonly string[] = ['low', 'high']): Promise<void> => {
  for (const name of ['high', 'low'])
    if (existsSync(join(world.trees.dkmsTree, name))) await world.dkms(['remove', `${name}/1.0`, '--all']);
  for (const tree of [world.trees.dkmsTree, world.trees.stateDir]) rmSync(tree, { recursive: true, force: true });
  for (const name of names) world.register(name, '1.0');
};

export const sync = async ({ world }: Shop): Promise<string> => {
  const { stdout, stderr } = await world.kmodsort(['sync']);
  return `${stdout}${stderr}`;
};

export const artifactsOf = (top: string): string[] =>
  existsSync(top)
    ? readdirSync(top).flatMap((name) => readdirSync(join(top, name)).map((key) => join(top, name, key)))
    : [];

export const storeOf = ({ world }: Shop): string[] => artifactsOf(join(world.trees.stateDir, 'store'));

export const artifactOf = ({ directory }: Shop, name: string): string => {
  const [key = ''] = readdirSync(join(directory, name));
  return join(directory, name, key);
};

export interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

export interface Manifest {
  config: Blob;
  layers: Blob[];
  annotations: Record<string, string>;
}

const isManifest = (value: unknown): value is Manifest =>
  value instanceof Object && 'layers' in value && 'annotations' in value;

export const blobFile = (artifact: string, digest: string): string =>
  join(artifact, 'blobs/sha256', digest.replace('sha256:', ''));

export const addBlob = (artifact: string, bytes: string | Uint8Array): Pick<Blob, 'digest' | 'size'> => {
  const digest = `sha256:${hash(bytes)}`;
  writeFileSync(blobFile(artifact, digest), bytes);
  return { digest, size: Buffer.byteLength(bytes) };
};

/** Change the manifest of an Artifact in the directory. */
export const remake = (artifact: string, edit: (manifest: Manifest) => void): void => {
  const index: unknown = JSON.parse(readFileSync(join(artifact, 'index.json'), 'utf8'));
  const digest = /sha256:[0-9a-f]{64}/.exec(JSON.stringify(index))?.[0] ?? '';
  const manifest: unknown = JSON.parse(readFileSync(blobFile(artifact, digest), 'utf8'));
  if (!isManifest(manifest)) throw new Error(`${artifact} has no signed manifest`);
  edit(manifest);
  const blob = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...addBlob(artifact, JSON.stringify(manifest)),
  };
  writeFileSync(join(artifact, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [blob] }));
};

export const sign = (manifest: Manifest, statement: string, key: string, namespace = 'kmodsort-artifact-v1'): void => {
  const file = `${key}.statement`;
  rmSync(`${file}.sig`, { force: true });
  writeFileSync(file, statement);
  run('ssh-keygen', ['-Y', 'sign', '-f', key, '-n', namespace, file]);
  manifest.annotations['kmodsort.statement'] = Buffer.from(statement).toString('base64');
  manifest.annotations['kmodsort.signature'] = readFileSync(`${file}.sig`, 'utf8');
};

export const statementOf = ({ annotations }: Manifest): string =>
  Buffer.from(annotations['kmodsort.statement'] ?? '', 'base64').toString();

/** The Builder itself signs something else. */
export const resign = (
  shop: Shop,
  name: string,
  edit: (text: string, manifest: Manifest) => string,
  key = shop.key,
): void => remake(artifactOf(shop, name), (manifest) => sign(manifest, edit(statementOf(manifest), manifest), key));
