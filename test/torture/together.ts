import { Random } from '../random.ts';
import { disorder } from '../real/installed.ts';
import { makeWorld, type World } from '../world.ts';
import { addPrebuilt, type Prebuilt } from './modules.ts';
import { crashIn, type Finding, type Measured } from './outcome.ts';

/** Ten commands that change something, started at the same moment, round after round. */

const atOnce = 10;
const modules = [
  ['replacer', '2.0'],
  ['replacer', '3.0'],
  ['lonely', '1.0'],
] as const;

type Command = readonly [program: 'dkms' | 'kmodsort', words: readonly string[], stdin?: string];

const commandsFor = ([name, version]: (typeof modules)[number], release: string): readonly Command[] => {
  const label = `${name}/${version}`;
  return [
    ['dkms', ['add', label]],
    ['dkms', ['build', label, '-k', release]],
    ['dkms', ['install', label, '-k', release]],
    ['dkms', ['uninstall', label, '-k', release]],
    ['dkms', ['unbuild', label, '-k', release]],
    ['dkms', ['remove', label, '--all']],
    ['dkms', ['autoinstall', '-k', release]],
    ['kmodsort', ['sync', '-k', release]],
    ['kmodsort', ['hook', 'run', 'apt', 'trigger']],
    ['kmodsort', ['hook', 'run', 'pacman', 'install'], `usr/src/${name}-${version}/dkms.conf\n`],
  ];
};

const describe = ([program, words]: Command): string => [program, ...words].join(' ');

const round = async (world: World, commands: readonly Command[]): Promise<string[]> => {
  const ended = await Promise.all(
    commands.map(([program, words, stdin = '']) => world[program](words, { stdin, timeout: 110_000 })),
  );
  return ended.flatMap((one, index) => {
    const command = commands[index];
    return crashIn(one, []).map((line) => `${command ? describe(command) : ''}: ${line}`);
  });
};

/** After each round one quiet run: everything is in order, and the kernel's own module is where it belongs. */
const afterwards = async (world: World, release: string): Promise<string[]> => {
  const next = await world.kmodsort(['sync', '-k', release]);
  return [...(next.code === 0 ? [] : [`sync ended with ${next.code}: ${next.stdout}`]), ...disorder(world)];
};

/** Everything is added and installed again, and then removed: what was there at first is there. */
const wrongInTheEnd = async (world: World, release: string, before: readonly string[]): Promise<string[]> => {
  for (const [name, version] of modules) await world.dkms(['add', `${name}/${version}`]);
  await world.kmodsort(['sync', '-k', release]);
  const installed = world.installedObjects(release).join(' ');
  const wrong = installed === 'intree_demo lonely' ? [] : [`installed in the end: ${installed}`];
  for (const [name, version] of modules) await world.dkms(['remove', `${name}/${version}`, '--all']);
  const after = new Set(world.files(world.trees.installTree));
  return [...wrong, ...before.filter((path) => !after.has(path)).map((path) => `${path} is lost`)];
};

/** @param seed of the commands; the rounds of one seed are the same each time, their order within a round is not */
export const together = async (prebuilt: Prebuilt, rounds: number, seed: number): Promise<Measured> => {
  const start = performance.now();
  const { release } = prebuilt.kernel;
  const random = new Random(seed);
  const world = makeWorld({ kernels: [prebuilt.kernel], distribution: 'debian' });
  const findings: Finding[] = [];
  try {
    await world.dkms(['generate_mok']);
    for (const [name, version] of modules) addPrebuilt(world, prebuilt, name, version);
    const before = world.files(world.trees.installTree);
    const sources = world.files(world.trees.sourceTree).join('\n');
    for (let count = 1; count <= rounds; count += 1) {
      const commands = Array.from({ length: atOnce }, () => random.pick(commandsFor(random.pick(modules), release)));
      const wrong = [...(await round(world, commands)), ...(await afterwards(world, release))];
      if (world.files(world.trees.sourceTree).join('\n') !== sources) wrong.push('the source tree has changed');
      const where = `round ${count} of seed ${seed}: ${commands.map(describe).join('; ')}`;
      if (wrong.length > 0) findings.push({ where, wrong });
    }
    const wrong = await wrongInTheEnd(world, release, before);
    if (wrong.length > 0) findings.push({ where: `after ${rounds} rounds of seed ${seed}`, wrong });
  } finally {
    world.dispose();
  }
  const what = `${atOnce} commands at once, seed ${seed}: rounds`;
  return { what, count: rounds, findings, seconds: (performance.now() - start) / 1000 };
};
