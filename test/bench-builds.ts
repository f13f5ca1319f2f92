import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dkmsScript } from './compat/dkms-reader.ts';
import type { TestKernel } from './kernels.ts';
import { generate } from './real/generated-source.ts';
import { commandLine, environmentOf } from './real/start-program.ts';
import { makeWorld, type World } from './world.ts';

/** What confinement costs a build, and what a trial saves the transaction. */

interface Cost {
  readonly seconds: number;
  readonly cpu: number;
}

const timed = (world: World, command: readonly string[]): Cost => {
  const log = join(world.root, 'time.log');
  const start = performance.now();
  const { status } = spawnSync('/usr/bin/time', ['-f', '%U %S', '-o', log, ...command], {
    env: environmentOf(world),
    stdio: 'ignore',
  });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}`);
  const [user = 0, system = 0] = readFileSync(log, 'utf8').trim().split(' ').map(Number);
  return { seconds: (performance.now() - start) / 1000, cpu: user + system };
};

const costOf = (world: World, words: readonly string[]): Cost => timed(world, commandLine(world, words));

/** Debian's dkms on the trees of a world; it looks for headers in /lib/modules, whatever it is told. */
const costOfDkms = (world: World, words: readonly string[]): Cost => {
  const { dkmsTree, sourceTree, installTree } = world.trees;
  const inPlace = 'mkdir -p /lib/modules && mount --bind "$1" /lib/modules && shift && exec "$@"';
  const view = ['unshare', '--mount', 'sh', '-c', inPlace, 'sh', installTree];
  return timed(world, [...view, 'bash', dkmsScript(), ...words, '--dkmstree', dkmsTree, '--sourcetree', sourceTree]);
};

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** A module of so many files, each with the headers of a driver. */
const addModule = (world: World, name: string, files: number): void => {
  const parts = Array.from({ length: files }, (_, index) => `part${index}`);
  const objects = [`${name}_main`, ...parts].map((part) => `${part}.o`).join(' ');
  const { directory } = generate(world, name, { makefile: `obj-m := ${name}.o\n${name}-y := ${objects}\n` });
  writeFileSync(join(directory, `${name}_main.c`), readFileSync(join(directory, `${name}.c`)));
  rmSync(join(directory, `${name}.c`));
  const headers = ['module', 'pci', 'netdevice', 'usb', 'fs']
    .map((header) => `#include <linux/${header}.h>\n`)
    .join('');
  for (const [index, part] of parts.entries())
    writeFileSync(
      join(directory, `${part}.c`),
      `${headers}int ${name}_${index}(void);\nint ${name}_${index}(void)\n{\n\treturn ${index};\n}\n`,
    );
};

const newWorld = (kernel: TestKernel): World => makeWorld({ kernels: [kernel], distribution: 'arch' });

/** CPU seconds of a pair, and the median of what the one costs more: it is less than machines differ from hour to hour. */
const confinementOf = (kernel: TestKernel, files: number, pairs: number): readonly [number, number, number] => {
  const samples = Array.from({ length: pairs }, (_, pair) => {
    const cost = (settings: string): number => {
      const world = newWorld(kernel);
      try {
        world.configure(`store_size="0"\n${settings}`);
        addModule(world, 'large', files);
        return costOf(world, ['sync']).cpu;
      } finally {
        world.dispose();
      }
    };
    // They take turns in who is first, too.
    const first = pair % 2 === 0 ? cost('') : undefined;
    const off = cost('sandbox="no"\n');
    return { on: first ?? cost(''), off };
  });
  return [
    median(samples.map(({ on }) => on)),
    median(samples.map(({ off }) => off)),
    median(samples.map(({ on, off }) => on / off)),
  ];
};

const addThree = (world: World): string[] => {
  const names = ['one', 'two', 'three'];
  for (const [index, name] of names.entries()) addModule(world, name, 10 * index);
  return names;
};

type Way = 'dkms' | 'without a trial' | 'after one';

/** Seconds of the transaction's hook: of dkms, of ours that has to build, and of ours after a trial. */
const transactionOf = (kernel: TestKernel, way: Way): number => {
  const world = newWorld(kernel);
  try {
    addThree(world);
    if (way === 'dkms') return costOfDkms(world, ['autoinstall', '-k', kernel.release]).seconds;
    if (way === 'after one') costOf(world, ['try', '-k', kernel.release]);
    return costOf(world, ['hook', 'run', 'pacman', 'install']).seconds;
  } finally {
    world.dispose();
  }
};

/** Seconds in which three modules are installed for a kernel for the second time. */
const secondInstallOf = async (kernel: TestKernel, whose: 'dkms' | 'kmodsort'): Promise<number> => {
  const world = newWorld(kernel);
  try {
    const names = addThree(world);
    const cost = whose === 'dkms' ? costOfDkms : costOf;
    const install: string[] = whose === 'dkms' ? ['autoinstall', '-k', kernel.release] : ['sync', '-k', kernel.release];
    cost(world, install);
    for (const name of names) {
      const words = [`${name}/1.0`, '-k', kernel.release];
      if (whose === 'dkms') costOfDkms(world, ['unbuild', ...words]);
      else await world.dkms(['unbuild', ...words]);
    }
    return cost(world, install).seconds;
  } finally {
    world.dispose();
  }
};

/** Print a row for each. */
export const benchBuilds = async (kernel: TestKernel, pairs: number, say: (text: string) => void): Promise<void> => {
  for (const [title, files] of [
    ['confined build, small module', 0],
    ['confined build, 41 files', 40],
  ] as const) {
    const [on, off, ratio] = confinementOf(kernel, files, pairs);
    say(
      `${title.padEnd(34)} confined ${on.toFixed(3)} s   not ${off.toFixed(3)} s of CPU   ${((ratio - 1) * 100).toFixed(1)} % more`,
    );
  }
  const row = (title: string, medians: Readonly<Record<string, readonly number[]>>): void => {
    const columns = Object.entries(medians).map(([whose, seconds]) => `${whose} ${median(seconds).toFixed(3)} s`);
    say(`${title.padEnd(34)} ${columns.join('   ')}`);
  };
  const transactions: Record<Way, number[]> = { dkms: [], 'without a trial': [], 'after one': [] };
  const seconds: Record<'dkms' | 'kmodsort', number[]> = { dkms: [], kmodsort: [] };
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const way of ['dkms', 'without a trial', 'after one'] as const)
      transactions[way].push(transactionOf(kernel, way));
    for (const whose of ['dkms', 'kmodsort'] as const) seconds[whose].push(await secondInstallOf(kernel, whose));
  }
  row('hook, three modules', transactions);
  row('second install, three modules', seconds);
};
