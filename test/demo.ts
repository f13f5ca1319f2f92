import { lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from './child.ts';
import { provisionKernels, type TestKernel } from './kernels.ts';
import { run } from './packages.ts';
import { makeWorld, type World } from './world.ts';

/**
 * The main job, shown: two kernels and six modules arrive in one transaction, one of them does not
 * compile, is repaired, and the rest is made up for. Real kernels, real builds, a temporary directory.
 */

const chain = ['zeta-core', 'mid-link', 'alpha-top'];
const sound = [...chain, 'lonely'];
const unsound = ['broken', 'needs-broken'];

const objects: Readonly<Record<string, string>> = {
  'zeta-core': 'zeta_core',
  'mid-link': 'mid_link',
  'alpha-top': 'alpha_top',
  lonely: 'lonely',
  broken: 'broken_mod',
  'needs-broken': 'needs_broken',
};

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const title = (text: string): boolean => say(`\n── ${text}\n`);

const passOn = (text: string): void => {
  process.stdout.write(text);
};

const objectsOf = (modules: readonly string[]): string[] => modules.map((name) => objects[name] ?? name).sort();

/** Promises that were not kept. */
const broken: string[] = [];

const promise = (what: string, kept: boolean): void => {
  say(`${kept ? 'kept  ' : 'BROKEN'}  ${what}`);
  if (!kept) broken.push(what);
};

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join('\n') === b.join('\n');

/** What pacman would tell the hook: everything that the transaction brought. */
const arrive = (world: World, kernels: readonly TestKernel[]): string[] => {
  for (const { release } of kernels) world.addKernel(release);
  const sources = [...sound, ...unsound].map((fixture) => world.addSource(fixture));
  const ofKernels = kernels.flatMap(({ release }) => [
    `usr/lib/modules/${release}/build/include/`,
    `usr/lib/modules/${release}/vmlinuz`,
  ]);
  return [...ofKernels, ...sources.map(({ name, version }) => `usr/src/${name}-${version}/dkms.conf`)].sort();
};

const repair = (world: World): void => {
  const path = join(world.trees.sourceTree, 'broken-1.0', 'broken_mod.c');
  writeFileSync(path, readFileSync(path, 'utf8').replace('missing_answer', '42'));
};

/** Paths of the out-of-tree objects of all kernels. */
const installedFiles = (world: World): string[] =>
  world.files(world.trees.installTree).filter((path) => /\.ko(\.\w+)?$/.test(path) && !path.includes('/kernel/'));

/** Which file lies at each path: an object that was installed again would be another one. */
const identities = (world: World): ReadonlyMap<string, string> =>
  new Map(
    installedFiles(world).map((path) => {
      const { ino, mtimeMs } = statSync(join(world.trees.installTree, path));
      return [path, `${ino} ${mtimeMs}`];
    }),
  );

const isForItsKernel = (world: World, path: string): boolean => {
  const vermagic = run('modinfo', ['-F', 'vermagic', join(world.trees.installTree, path)]);
  return vermagic.split(' ')[0] === path.split('/')[0];
};

const areInstalled = (world: World, kernels: readonly TestKernel[], modules: readonly string[]): boolean =>
  kernels.every(({ release }) => isSame(world.installedObjects(release), objectsOf(modules)));

/** When a module was installed for a kernel: the age of the link that says so. */
const installedAt = (world: World, module: string, release: string): number => {
  const directory = join(world.trees.dkmsTree, module);
  const link = readdirSync(directory).find((name) => name.startsWith(`kernel-${release}-`));
  return link ? lstatSync(join(directory, link)).mtimeMs : Number.NaN;
};

const isInOrder = (world: World, release: string): boolean => {
  const times = chain.map((module) => installedAt(world, module, release));
  return times.every((time, index) => time > (times[index - 1] ?? 0));
};

const checkFirst = (world: World, kernels: readonly TestKernel[], ended: Ended): void => {
  const output = ended.stdout + ended.stderr;
  const files = installedFiles(world);
  promise('the hook ends with 1: something failed', ended.code === 1);
  promise('the chain and the independent module are installed on both kernels', areInstalled(world, kernels, sound));
  for (const { release } of kernels)
    promise(`each module of the chain after the one it needs on ${release}`, isInOrder(world, release));
  promise('the compiler error is shown', output.includes('missing_answer'));
  promise(
    'each object is for the kernel that it lies under',
    files.length === kernels.length * sound.length && files.every((path) => isForItsKernel(world, path)),
  );
};

const checkSecond = (
  world: World,
  kernels: readonly TestKernel[],
  ended: Ended,
  before: ReadonlyMap<string, string>,
): void => {
  const after = identities(world);
  promise('the hook ends with 0', ended.code === 0);
  promise('all six modules are installed on both kernels', areInstalled(world, kernels, [...sound, ...unsound]));
  promise(
    'nothing that was installed before was touched',
    [...before].every(([path, id]) => after.get(path) === id),
  );
};

const demonstrate = async (world: World, kernels: readonly TestKernel[]): Promise<void> => {
  const install = ['pacman', 'install'];
  title(`One transaction brings two kernels (${kernels.map((kernel) => kernel.release).join(', ')}) and six modules`);
  const paths = arrive(world, kernels);
  say(paths.join('\n'));
  title('kmodsort hook run pacman install --dry-run: the plan');
  const planned = await world.hook([...install, '--dry-run'], paths, { onOutput: passOn });
  promise('the plan changes nothing', planned.code === 0 && installedFiles(world).length === 0);
  title('kmodsort hook run pacman install');
  const first = await world.hook(install, paths, { onOutput: passOn });
  title('What was promised');
  checkFirst(world, kernels, first);

  title('The broken source is repaired. kmodsort plan: what is left to do');
  repair(world);
  const before = identities(world);
  await world.kmodsort(['plan'], { onOutput: passOn });
  title('kmodsort hook run pacman install: the repaired package arrives');
  const second = await world.hook(install, ['usr/src/broken-1.0/dkms.conf'], { onOutput: passOn });
  title('What was promised');
  checkSecond(world, kernels, second, before);
};

const main = async (): Promise<number> => {
  const started = Date.now();
  say('Getting kernel headers, once; they are kept.');
  const provision = provisionKernels();
  if (provision.kind === 'missing') {
    say(`The demo cannot run here: ${provision.why}`);
    return 1;
  }
  const world = makeWorld({ kernels: provision.kernels, withoutKernels: true, distribution: 'arch' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      world.dispose();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  }
  try {
    await demonstrate(world, provision.kernels);
  } finally {
    world.dispose();
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  say(
    `\n${broken.length === 0 ? 'Everything was as promised' : `Not as promised: ${broken.join('; ')}`} (${seconds} s).`,
  );
  return broken.length === 0 ? 0 : 1;
};

process.exitCode = await main();
