import type { Writable } from 'node:stream';
import type { TextSink } from './report.ts';

/** A stream that never stops a run: when its other end has gone, what is written is forgotten. */
export interface EpipeSafeSink extends TextSink {
  /** Until all that was written is out, or cannot get out any more. */
  readonly flush: () => Promise<void>;
}

/** Makes writing to a stream safe from a reader that goes away. */
export const epipeSafe = (stream: Writable): EpipeSafeSink => {
  let gone = false;
  const whenGone = new Promise<void>((resolve) => {
    stream.on('error', () => {
      gone = true;
      resolve();
    });
  });
  return {
    write: (text) => {
      if (!gone && !stream.destroyed) stream.write(text);
    },
    flush: async () => {
      if (gone || stream.destroyed) return;
      await Promise.race([whenGone, new Promise<void>((resolve) => stream.write('', () => resolve()))]);
    },
  };
};
