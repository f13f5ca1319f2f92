import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from '../child.ts';
import { run } from '../packages.ts';
import { makeWorld, type World } from '../world.ts';
import { type How, makeFault } from './fault.ts';
import { differences, type Manifest, manifestOf } from './manifest.ts';
import { addPrebuilt, type Prebuilt } from './modules.ts';
import { crashIn, type Finding, type Measured } from './outcome.ts';

/**
 * A run meets a fault at its first change, at its second, and so on; each time one ordinary run follows, after which the
 * trees must be those of a run that nothing disturbed.
 */

export interface Scenario {
  readonly name: string;
  /** Brings a world with both modules' sources into the state before the run. */
  readonly prepare: (world: World, prebuilt: Prebuilt) => Promise<void>;
  readonly words: readonly string[];
  readonly paths: readonly string[];
  /** A version of each of these objects stands installed whatever happens. */
  readonly neverWithout: readonly string[];
}

const arrive = (world: World, prebuilt: Prebuilt): void => {
  addPrebuilt(world, prebuilt, 'replacer', '2.0');
  addPrebuilt(world, prebuilt, 'lonely', '1.0');
};

const both = ['usr/src/lonely-1.0/dkms.conf', 'usr/src/replacer-2.0/dkms.conf'];
const install = ['pacman', 'install'];

const installed = async (world: World, prebuilt: Prebuilt): Promise<void> => {
  arrive(world, prebuilt);
  const ended = await world.hook(install, both);
  if (ended.code !== 0) throw new Error(`nothing was installed:\n${ended.stdout}${ended.stderr}`);
};

export const scenarios: readonly Scenario[] = [
  {
    name: 'install',
    prepare: async (world, prebuilt) => arrive(world, prebuilt),
    words: install,
    paths: both,
    neverWithout: [],
  },
  {
    name: 'upgrade',
    prepare: async (world, prebuilt) => {
      await installed(world, prebuilt);
      rmSync(join(world.trees.sourceTree, 'replacer-2.0'), { recursive: true });
      addPrebuilt(world, prebuilt, 'replacer', '3.0');
    },
    words: install,
    paths: ['usr/src/replacer-2.0/dkms.conf', 'usr/src/replacer-3.0/dkms.conf'],
    neverWithout: ['intree_demo', 'lonely'],
  },
  {
    name: 'removal',
    prepare: installed,
    words: ['pacman', 'remove'],
    paths: ['usr/src/replacer-2.0/dkms.conf'],
    neverWithout: ['lonely'],
  },
];

const words: Readonly<Record<How, string>> = {
  kill: 'killed',
  'full-once': 'disk full for one call',
  'full-from': 'disk full from then on',
};

/** Put a tree aside or back, with times and links as they are. */
const copyTree = (from: string, to: string): void => {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  run('cp', ['-a', `${from}/.`, to]);
};

/** A world in the state before a run, and what the trees are to be in the end. */
export interface Stage {
  readonly world: World;
  readonly scenario: Scenario;
  readonly release: string;
  readonly should: Manifest;
  readonly reset: () => void;
}

const partsOf = ({ trees }: World): string[] => [trees.dkmsTree, trees.sourceTree, trees.installTree, trees.stateDir];

/** The run of a scenario, with more in its environment. */
export const runIn = ({ world, scenario }: Stage, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  world.hook(scenario.words, scenario.paths, { env });

export const makeStage = async (prebuilt: Prebuilt, scenario: Scenario): Promise<Stage> => {
  const world = makeWorld({ kernels: [prebuilt.kernel], distribution: 'arch' });
  for (const tree of [world.trees.dkmsTree, world.trees.stateDir]) mkdirSync(tree, { recursive: true });
  // Signatures are the same each time where the key is.
  await world.dkms(['generate_mok']);
  await scenario.prepare(world, prebuilt);
  const kept = join(world.root, 'tmp', 'kept');
  const parts = [...partsOf(world).entries()];
  for (const [index, tree] of parts) copyTree(tree, join(kept, String(index)));
  const reset = (): void => {
    for (const [index, tree] of parts) copyTree(join(kept, String(index)), tree);
  };
  for (const _time of [1, 2]) await world.hook(scenario.words, scenario.paths);
  return { world, scenario, release: prebuilt.kernel.release, should: manifestOf(world), reset };
};

const missing = ({ world, scenario, release }: Stage): string[] => {
  const there = world.files(join(world.trees.installTree, release)).join('\n');
  return scenario.neverWithout
    .filter((object) => !there.includes(`/${object}.ko`))
    .map((object) => `${object} is gone`);
};

/**
 * What is wrong after a run that met a fault, and after one ordinary run that follows.
 *
 * @param signals by which the first may have ended
 */
export const wrongAfter = async (stage: Stage, first: Ended, signals: readonly NodeJS.Signals[]): Promise<string[]> => {
  const wrong = [...crashIn(first, signals), ...missing(stage)];
  const next = await runIn(stage);
  const failed = next.code === 0 ? [] : [`the next run ended with ${next.code}: ${next.stdout}`];
  return [...wrong, ...crashIn(next, []), ...failed, ...differences(manifestOf(stage.world), stage.should)];
};

/** depmod is called with a small environment of our own: a program of that name before it puts the fault in. */
const wrapDepmod = ({ world }: Stage, environment: Readonly<Record<string, string>>): Record<string, string> => {
  const bin = join(world.root, 'bin');
  mkdirSync(bin, { recursive: true });
  const words = Object.entries(environment).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(join(bin, 'depmod'), `#!/bin/sh\nexec env ${words.join(' ')} /sbin/depmod "$@"\n`, { mode: 0o755 });
  return { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` };
};

/** What is swept: the program whose changes are counted, and what it meets. */
export interface Sweep {
  readonly scenario: Scenario;
  readonly how: How;
  readonly program: 'node' | 'depmod';
}

/**
 * Every change of a run in a scenario.
 *
 * @param stride look at every so-many-th only
 */
export const sweep = async (
  prebuilt: Prebuilt,
  { scenario, how, program }: Sweep,
  stride: number,
): Promise<Measured> => {
  const start = performance.now();
  const stage = await makeStage(prebuilt, scenario);
  const fault = makeFault(stage.world.root, prebuilt.compiler);
  const findings: Finding[] = [];
  let count = 0;
  try {
    for (let at = 1; ; at += stride) {
      stage.reset();
      const environment = fault.environment(how, at, program);
      const first = await runIn(stage, program === 'node' ? environment : wrapDepmod(stage, environment));
      const told = fault.told();
      if (told.length < at) break;
      count += 1;
      const wrong = await wrongAfter(stage, first, how === 'kill' ? ['SIGKILL'] : []);
      const where = `${scenario.name}, change ${at} of ${program}: ${told[at - 1]?.replace(stage.world.root, '')}`;
      if (wrong.length > 0) findings.push({ where, wrong });
    }
  } finally {
    stage.world.dispose();
  }
  const seconds = (performance.now() - start) / 1000;
  const which = stride === 1 ? 'each change' : `every change in ${stride}`;
  return { what: `${scenario.name}: ${words[how]} at ${which} of ${program}`, count, findings, seconds };
};
