import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { run } from '../packages.ts';
import { Random } from '../random.ts';
import { makeWorld, type World } from '../world.ts';
import { damaged, dkmsConf, frameworkConf, hookInput, noise } from './generate.ts';
import { addPrebuilt, type Prebuilt } from './modules.ts';
import { crashIn, type Finding, type Measured } from './outcome.ts';

/**
 * Generated dkms.conf, framework.conf, hook inputs and archives. The world stands in a mount namespace where everything
 * else is read-only, so that a write outside the trees fails and is told.
 */

/** Exit statuses that are defined: see src/report/exit-status.ts and src/engine/errors.ts. */
const defined = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 21, 75, 77, 101]);

/** A conf is shell of root's, and what it redirects is its own affair. */
const shellOfConf = /dkms\.conf: line \d+: |framework\.conf: line \d+: /;

type Ended = Awaited<ReturnType<World['kmodsort']>>;

const wrongWith = (ended: Ended): string[] => {
  const said = `${ended.stdout}${ended.stderr}`;
  const wrong = crashIn(ended, []);
  if (ended.code !== null && !defined.has(ended.code)) wrong.push(`ended with ${ended.code}: ${said}`);
  const writes = said.split('\n').find((line) => /read-only file system/i.test(line) && !shellOfConf.test(line));
  if (writes) wrong.push(`writes outside the trees: ${writes}`);
  if (said.includes('\0') || said.includes('\u001b')) wrong.push(`prints control characters: ${JSON.stringify(said)}`);
  return wrong;
};

/** What stands in a world beside its trees. */
const besides = (world: World): string =>
  [
    ...readdirSync(world.root),
    ...readdirSync(join(world.root, 'etc')),
    ...readdirSync(join(world.root, 'var/lib')),
  ].join(' ');

interface Kind {
  readonly what: string;
  /** Inputs that one process reads. */
  readonly batch: number;
  readonly once: (world: World, random: Random, batch: number) => Promise<Ended[]>;
}

const emptied = (directory: string): void => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
};

const confs: Kind = {
  what: 'dkms.conf',
  batch: 40,
  once: async (world, random, batch) => {
    emptied(world.trees.sourceTree);
    emptied(world.trees.dkmsTree);
    for (let index = 0; index < batch; index += 1) {
      const name = `m${index}`;
      const directory = join(world.trees.sourceTree, `${name}-1.0`);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'dkms.conf'), dkmsConf(random, name));
      world.register(name, '1.0');
    }
    return [await world.kmodsort(['plan']), await world.kmodsort(['status'])];
  },
};

const frameworks: Kind = {
  what: 'framework.conf',
  batch: 1,
  once: async (world, random) => {
    writeFileSync(join(world.trees.confDir, 'framework.conf'), frameworkConf(random));
    return [await world.kmodsort(['status'])];
  },
};

const hooks = (release: string): Kind => ({
  what: 'hook inputs',
  batch: 1,
  once: async (world, random) => {
    const { words, stdin } = hookInput(random, release);
    return [await world.kmodsort(words, { stdin: stdin.toString('latin1') })];
  },
});

const archive = (world: World, random: Random): Buffer => {
  const good = readFileSync(join(world.root, 'tmp', 'good.tar'));
  const kind = random.below(4);
  if (kind === 0) return noise(random, 4000);
  if (kind === 1) return good.subarray(0, random.below(good.length));
  return damaged(random, good);
};

const archives: Kind = {
  what: 'archives',
  batch: 1,
  once: async (world, random) => {
    const path = join(world.root, 'tmp', `x.dkms.tar${random.pick(['', '.gz', '.xz', '.zst'])}`);
    writeFileSync(path, archive(world, random));
    const suffix = path.slice(path.lastIndexOf('.'));
    const packer = { '.gz': 'gzip', '.xz': 'xz', '.zst': 'zstd' }[suffix];
    if (packer && random.chance(0.7)) {
      rmSync(path);
      writeFileSync(path.slice(0, -suffix.length), archive(world, random));
      run(packer, ['-q', path.slice(0, -suffix.length)]);
    }
    return [await world.dkms(['ldtarball', ...(random.chance(0.3) ? ['--force'] : []), '--archive', path])];
  },
};

const prepare = async (prebuilt: Prebuilt): Promise<World> => {
  const world = makeWorld({ kernels: [prebuilt.kernel], distribution: 'debian' });
  addPrebuilt(world, prebuilt, 'lonely', '1.0');
  await world.kmodsort(['hook', 'run', 'pacman', 'install'], { stdin: 'usr/src/lonely-1.0/dkms.conf\n' });
  const good = join(world.root, 'tmp', 'good.tar');
  await world.dkms(['mktarball', 'lonely/1.0', '-k', prebuilt.kernel.release, '--archive', good]);
  const bytes = readFileSync(good);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) writeFileSync(good, gunzipSync(bytes));
  return world;
};

/**
 * One kind of input.
 *
 * @param inputs how many
 * @param seed the same inputs again
 */
const measure = async (prebuilt: Prebuilt, kind: Kind, inputs: number, seed: number): Promise<Measured> => {
  const start = performance.now();
  const findings: Finding[] = [];
  const world = await prepare(prebuilt);
  const before = besides(world);
  const statuses = new Map<number | null, number>();
  let count = 0;
  try {
    for (let one = 0; count < inputs; one += 1) {
      const random = new Random(seed + one);
      const batch = Math.min(kind.batch, inputs - count);
      const ended = await kind.once(world, random, batch);
      for (const { code } of ended) statuses.set(code, (statuses.get(code) ?? 0) + 1);
      const wrong = ended.flatMap(wrongWith);
      count += batch;
      if (besides(world) !== before) wrong.push(`stands beside the trees: ${besides(world)}`);
      if (wrong.length > 0) findings.push({ where: `${kind.what} of seed ${seed + one}`, wrong });
    }
  } finally {
    world.dispose();
  }
  const told = [...statuses].map(([code, times]) => `${code} (${times})`).join(', ');
  return {
    what: `${kind.what}, seeds from ${seed}; exit statuses ${told}`,
    count,
    findings,
    seconds: (performance.now() - start) / 1000,
  };
};

/** Every kind of input; `inputs` of them altogether. */
export const noiseParts = (prebuilt: Prebuilt, inputs: number, seed: number): (() => Promise<Measured>)[] => {
  const part = (kind: Kind, share: number) => () => measure(prebuilt, kind, Math.ceil(inputs * share), seed);
  return [part(confs, 0.8), part(frameworks, 0.08), part(hooks(prebuilt.kernel.release), 0.07), part(archives, 0.05)];
};
