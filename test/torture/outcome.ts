import type { Ended } from '../child.ts';

/** What the parts of the torture tell. */

export interface Finding {
  readonly where: string;
  readonly wrong: readonly string[];
}

export interface Measured {
  readonly what: string;
  /** Faults that were met, rounds that were run, inputs that were read. */
  readonly count: number;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

/** EX_SOFTWARE: the program itself is broken. */
const broken = 70;

/** What no run may do, whatever it meets: crash, hang, or show a stack. */
export const crashIn = (ended: Ended, signals: readonly NodeJS.Signals[]): string[] => {
  const said = `${ended.stdout}${ended.stderr}`;
  const wrong: string[] = [];
  if (ended.signal !== null && !signals.includes(ended.signal)) wrong.push(`ended by ${ended.signal}: ${said}`);
  if (ended.code === broken) wrong.push(`ended with ${broken}: ${said}`);
  if (/^ {4}at .*:\d+/m.test(said)) wrong.push(`shows a stack: ${said}`);
  return wrong;
};
