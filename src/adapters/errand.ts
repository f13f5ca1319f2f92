import type { Readable } from 'node:stream';
import type { Errand } from '../engine/errand.ts';
import { FailureError } from '../engine/errors.ts';
import { readStdin } from './stdin.ts';

/** What another run of ours asks of this one, on stdin. */

const isErrand = (value: unknown): value is Errand =>
  value instanceof Object && 'request' in value && 'places' in value && 'jobs' in value;

const limits = { seconds: 10, bytes: 1 << 20 };

/** Throws bad-usage (FailureError) on anything else. */
export const readErrand = async (stdin: Readable, abort: AbortSignal): Promise<Errand> => {
  const { text } = await readStdin(stdin, { ...limits, abort });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isErrand(value)) return value;
  throw new FailureError({ kind: 'bad-usage', at: 'errand' });
};
