import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestKernel } from './kernels.ts';
import { generate } from './real/generated-source.ts';
import { commandLine, environmentOf } from './real/start-program.ts';
import { makeWorld, type World } from './world.ts';

/** What confinement costs a build, and what a trial saves the transaction. */

interface Cost {
  readonly seconds: number;
  readonly cpu: number;
}

const costOf = (world: World, words: readonly string[]): Cost => {
  const log = join(world.root, 'time.log');
  const start = performance.now();
  const { status } = spawnSync('/usr/bin/time', ['-f', '%U %S', '-o', log, ...commandLine(world, words)], {
    env: environmentOf(world),
    stdio: 'ignore',
  });
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}`);
  const [user = 0, system = 0] = readFileSync(log, 'utf8').trim().split(' ').map(Number);
  return { seconds: (performance.now() - start) / 1000, cpu: user + system };
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

const confinementOf = (kernel: TestKernel, files: number, pairs: number): readonly [number, number] => {
  const samples = Array.from({ length: pairs }, () =>
    (['', 'sandbox="no"\n'] as const).map((settings) => {
      const world = newWorld(kernel);
      try {
        world.configure(`store_size="0"\n${settings}`);
        addModule(world, 'large', files);
        return costOf(world, ['sync']).cpu;
      } finally {
        world.dispose();
      }
    }),
  );
  return [median(samples.map(([one = 0]) => one)), median(samples.map(([, one = 0]) => one))];
};

/** Seconds of a hook that finds what a trial has built, and of one that has to build it. */
const transactionOf = (kernel: TestKernel, isTried: boolean): number => {
  const world = newWorld(kernel);
  try {
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      addModule(world, name, 10 * index);
    }
    if (isTried) costOf(world, ['try', '-k', kernel.release]);
    return costOf(world, ['hook', 'run', 'pacman', 'install']).seconds;
  } finally {
    world.dispose();
  }
};

/** Print a row for each. */
export const benchBuilds = (kernel: TestKernel, pairs: number, say: (text: string) => void): void => {
  for (const [title, files] of [
    ['confined build, small module', 0],
    ['confined build, 41 files', 40],
  ] as const) {
    const [on, off] = confinementOf(kernel, files, pairs);
    say(
      `${title.padEnd(34)} confined ${on.toFixed(3)} s   not ${off.toFixed(3)} s of CPU   ${((on / off - 1) * 100).toFixed(1)} % more`,
    );
  }
  const samples = Array.from(
    { length: pairs },
    () => [transactionOf(kernel, false), transactionOf(kernel, true)] as const,
  );
  const [without, after] = [median(samples.map(([one]) => one)), median(samples.map(([, one]) => one))];
  say(
    `${'hook, three modules'.padEnd(34)} without a trial ${without.toFixed(3)} s   after one ${after.toFixed(3)} s   ${(without / after).toFixed(1)} times`,
  );
};
