import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readStdin } from '../../../src/adapters/stdin.ts';

const limits = () => ({ seconds: 5, bytes: 1000, abort: new AbortController().signal });

describe('readStdin', () => {
  it('reads to the end, letters cut in two included', async () => {
    const stream = new PassThrough();
    const bytes = Buffer.from('usr/src/ä\n');
    stream.write(bytes.subarray(0, 9));
    stream.end(bytes.subarray(9));
    expect(await readStdin(stream, limits())).toEqual({ text: 'usr/src/ä\n', stalled: false });
  });
  it('goes on with what there is when nothing more comes', async () => {
    const stream = new PassThrough();
    stream.write('one\n');
    expect(await readStdin(stream, { ...limits(), seconds: 0.05 })).toEqual({ text: 'one\n', stalled: true });
    expect(stream.destroyed).toBe(true);
  });
  it('stops at a signal', async () => {
    const abort = new AbortController();
    const reading = readStdin(new PassThrough(), { ...limits(), abort: abort.signal });
    abort.abort('SIGINT');
    expect(await reading).toEqual({ text: '', stalled: false });
  });
  it('stops when too much comes, and when the stream fails', async () => {
    const endless = new PassThrough();
    endless.write('x'.repeat(2000));
    expect((await readStdin(endless, limits())).text).toHaveLength(2000);
    const failing = new PassThrough();
    const reading = readStdin(failing, limits());
    failing.destroy(new Error('EIO'));
    expect(await reading).toEqual({ text: '', stalled: false });
  });
});
