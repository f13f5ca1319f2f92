import type { Readable } from 'node:stream';

/** What came on stdin. */
export interface StdinText {
  readonly text: string;
  /** Nothing came for the whole limit, and no end either. */
  readonly stalled: boolean;
}

/** When reading is given up. */
export interface StdinLimits {
  /** Seconds without data and without an end. */
  readonly seconds: number;
  /** More than this is no list of files. */
  readonly bytes: number;
  readonly abort: AbortSignal;
}

/** Reads a stream to its end, or as far as the limits let it; a stream that fails has ended. */
export const readStdin = async (stream: Readable, limits: StdinLimits): Promise<StdinText> => {
  const chunks: Buffer[] = [];
  const stalled = await new Promise<boolean>((resolve) => {
    let bytes = 0;
    const timer = setTimeout(() => resolve(true), limits.seconds * 1000);
    const end = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    stream.on('data', (chunk: Buffer | string) => {
      const data = Buffer.from(chunk);
      chunks.push(data);
      bytes += data.length;
      timer.refresh();
      if (bytes > limits.bytes) end();
    });
    for (const event of ['end', 'close', 'error']) stream.on(event, end);
    limits.abort.addEventListener('abort', end, { once: true });
    if (limits.abort.aborted) end();
  });
  stream.removeAllListeners('data');
  stream.pause();
  stream.destroy();
  return { text: Buffer.concat(chunks).toString('utf8'), stalled };
};
