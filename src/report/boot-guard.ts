import type { BootGuard, BootGuardAnswer, HeldKernel } from '../engine/answers.ts';
import { failureHelp, failureInOneLine } from './failures.ts';

/** What the boot guard says. */

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;

/** `zfs, nvidia will not load on 6.1.0-56-amd64`. */
const lack = ({ release, missing }: HeldKernel): string => `${missing.join(', ')} will not load on ${release}`;

/** What the boot guard found, or did, in whole lines. */
export const bootLines = (boot: BootGuard | undefined): string[] => {
  if (boot === undefined) return [];
  switch (boot.state) {
    case 'held':
      return [
        `kmodsort: boot guard: ${listed(boot.held.map(lack))}: ${listed(boot.loaders)} will boot ${boot.prefer} by default`,
      ];
    case 'released':
      return boot.releases.map((release) => `kmodsort: boot guard: ${release} is no longer held back`);
    case 'nowhere':
      return [
        `kmodsort: boot guard: ${listed(boot.held.map(lack))}: there is no older kernel to boot in its place, nothing was changed`,
      ];
  }
};

const idleLine = ({ isOn, required }: BootGuardAnswer): string => {
  if (!isOn) return 'kmodsort: boot guard: off: no kernel is held back';
  return required.length === 0
    ? 'kmodsort: boot guard: required_modules is not set: no kernel is held back'
    : `kmodsort: boot guard: ${required.join(', ')} will load on the newest kernel: no kernel is held back`;
};

/** The answer to a question about it. */
export const bootGuardedLines = (answer: BootGuardAnswer): string[] => {
  const { boot, failures } = answer;
  if (boot === undefined && failures.length === 0) return [idleLine(answer)];
  return [
    ...failures.flatMap((failure) => {
      const help = failureHelp(failure);
      return [
        `kmodsort: FAILED: ${failureInOneLine(failure)}`,
        ...(failure.log ? [`  log    ${failure.log}`] : []),
        ...(help && help !== 'kmodsort boot-guard' ? [`  help   ${help}`] : []),
      ];
    }),
    ...bootLines(boot),
  ];
};
