import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { chooseReport } from '../../../src/report/report.ts';
import { epipeSafe } from '../../../src/report/sink.ts';
import { request } from './world.ts';

describe('chooseReport', () => {
  const person = { output: 'auto', request, verbose: false, isTerminal: true, terminal: 'xterm' } as const;
  it('gives the screen to a person at a terminal', () => {
    expect(chooseReport(person)).toBe('terminal');
  });
  it.each([
    ['a hook, although apt runs it on a terminal', { request: { ...request, origin: 'hook' } }],
    ['a pipe', { isTerminal: false }],
    ['a dumb terminal', { terminal: 'dumb' }],
    ['no TERM', { terminal: undefined }],
    ['a verbose run', { verbose: true }],
    ['a plan', { request: { ...request, dryRun: true } }],
    ['a graph', { output: 'dot' }],
    ['the state', { request: { verb: 'status', kernels: [], arches: [] } }],
  ] as const)('gives lines to %s', (_name, more) => {
    expect(chooseReport({ ...person, ...more })).toBe('lines');
  });
  it('gives JSON to whoever asks', () => {
    expect(chooseReport({ ...person, output: 'json' })).toBe('json');
  });
});

describe('steadySink', () => {
  it('writes, and flushes what is written', async () => {
    const stream = new PassThrough();
    const sink = epipeSafe(stream);
    sink.write('one\n');
    await sink.flush();
    expect(String(stream.read())).toBe('one\n');
  });
  it('stops writing when the reader has gone, and does not wait for it', async () => {
    const tried: string[] = [];
    const stream = new Writable({
      autoDestroy: false,
      write: (chunk, _encoding, done) => {
        tried.push(String(chunk));
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      },
    });
    const sink = epipeSafe(stream);
    sink.write('one\n');
    await sink.flush();
    sink.write('two\n');
    await sink.flush();
    expect(tried).toEqual(['one\n']);
  });
});
