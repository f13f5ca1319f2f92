import { availableParallelism } from 'node:os';
import type { Measured } from './outcome.ts';

/** The page with the numbers: docs/reliability.md is written by this alone. */

const head = `# Reliability, in numbers

A run may die at any moment, and a disk may be full at any write. \`npm run torture\` does that to real runs on real
modules, and counts what was wrong afterwards. This page is what it wrote; nobody edits it.

* **Killed**: a run (or the depmod that it calls, with it) gets SIGKILL right before its first call that changes a file
  (open for writing, write, rename, unlink, mkdir, symlink, chmod, truncate …), in the next try before its second, and so
  on until a run comes to its end. **Disk full**: that call fails with ENOSPC, alone or with all that follow; or the file
  system is a real one with so many pages left. One ordinary run follows each time, and then the dkms tree, the sources,
  the modules of the kernel and the state must be those of an undisturbed run, file by file: kind, mode, bytes. In an
  upgrade and in a removal no other module may be missing at any time.
* **At once**: ten commands that change something start together. Nothing may hang, crash or get lost; one quiet run after
  each round leaves everything in order.
* **Inputs**: generated dkms.conf, framework.conf, hook inputs and archives, of the right shape with wrong words, or with
  bytes changed. No crash, no stack trace, no control characters, no exit status that is not defined, no write outside the
  trees: the rest of the machine is mounted read-only.
`;

const row = ({ what, count, findings, seconds }: Measured): string =>
  `| ${what} | ${count} | ${findings.length} | ${seconds.toFixed(0)} s |`;

/**
 * @param seconds that all of it took
 * @param commit that was tried
 * @param options of this run
 */
export const page = (
  results: readonly Measured[],
  seconds: number,
  commit: string,
  options: readonly string[],
): string => {
  const day = new Date().toISOString().slice(0, 10);
  const machine = `${availableParallelism()} processors, Node ${process.versions.node}`;
  const lines = [
    head,
    `${day}, commit ${commit}, \`npm run torture -- ${options.join(' ')}\`, ${machine}, ${(seconds / 60).toFixed(0)} minutes:`,
    '',
    '| what | times | wrong | took |',
    '| --- | ---: | ---: | ---: |',
    ...results.map(row),
    '',
    'A little of each runs in `.ci/run` (`npm run torture -- --slice`).',
    '',
  ];
  return lines.join('\n');
};
