import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { repository } from '../kernels.ts';
import type { World } from '../world.ts';

/** For tests that want other streams than World gives: closed ones, a terminal, a stdin without an end. */

/** The words that run the program on a world, for a script or another way of starting it. */
export const commandLine = (world: World, words: readonly string[]): string[] => [
  process.execPath,
  join(repository, 'dist', 'kmodsort.mjs'),
  ...words,
  `--dkmstree=${world.trees.dkmsTree}`,
  `--sourcetree=${world.trees.sourceTree}`,
  `--installtree=${world.trees.installTree}`,
  `--confdir=${world.trees.confDir}`,
  `--statedir=${world.trees.stateDir}`,
  `--os-release=${world.trees.osRelease}`,
];

export const environmentOf = (world: World): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: world.root,
  TMPDIR: join(world.root, 'tmp'),
  LANG: 'C.UTF-8',
});

/** A line of shell out of words. */
export const shellLine = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** Start the program on a world, in a process group of its own. */
export const startProgram = (
  world: World,
  words: readonly string[],
  stdio: StdioOptions,
  environment: Readonly<Record<string, string>> = {},
): ChildProcess => {
  const [file = '', ...rest] = commandLine(world, words);
  const env = { ...environmentOf(world), ...environment };
  return spawn(file, rest, { cwd: world.root, detached: true, env, stdio });
};

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly seconds: number;
}

/** How a started program ends, with what it wrote to whatever pipes it has. */
export const exitOf = (child: ChildProcess): Promise<Exit> => {
  const start = performance.now();
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      output += piece;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      // What is left in the pipes comes before the next turn of the loop ends.
      setImmediate(() => resolve({ code, signal, output, seconds: (performance.now() - start) / 1000 }));
    });
  });
};
