import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  closeJournal,
  type Journal,
  openJournal,
  openJournals,
  readJournal,
} from '../../../../src/engine/state/journal.ts';
import { failureLogFile } from '../../../../src/engine/state/paths.ts';
import {
  type EntryRecord,
  forgetRecord,
  type InstalledFile,
  isAsInstalled,
  readRecord,
  recordedEntries,
  writeRecord,
} from '../../../../src/engine/state/record.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const stateOf = (): string => mkdtempSync(join(root, 'state-'));
const module = { name: 'demo', version: '1.0' };
const kernel = { release: '6.1.0-56-amd64', arch: 'x86_64' };
const none: EntryRecord = { version: 2 };
const some: EntryRecord = {
  version: 2,
  failure: {
    inputs: 'i',
    failure: { kind: 'compiler-failed', detail: 'x' },
    at: '2024-01-01T00:00:00Z',
    transient: false,
  },
};
const fileOf = (state: string): string => join(state, 'record/demo/1.0/6.1.0-56-amd64@x86_64.json');

describe('records', () => {
  it('come back as they were written, and each entry is listed', () => {
    const state = stateOf();
    expect(readRecord(state, module, kernel)).toEqual(none);
    writeRecord(state, module, kernel, some);
    expect(readRecord(state, module, kernel)).toEqual(some);
    expect(readRecord(state, { ...module, version: '1.1' }, kernel)).toEqual(none);
    expect(readRecord(state, module, { ...kernel, arch: 'i686' })).toEqual(none);
    expect(recordedEntries(state)).toEqual([{ module, kernel }]);
  });
  it.each([
    '',
    'rubbish',
    '{',
    'null',
    '[]',
    '1',
    '"text"',
    'true',
    '{"version":3,"failure":{}}',
    '{"failure":{}}',
    '\0\0\0',
    '{"version":1,"failure":',
  ])('of rubbish (%j) count as none, and can be written again', (text) => {
    const state = stateOf();
    put(fileOf(state), text);
    expect(readRecord(state, module, kernel)).toEqual(none);
    writeRecord(state, module, kernel, some);
    expect(readRecord(state, module, kernel)).toEqual(some);
  });
  it('of versions before 0.2 are read, and what those do not know is written so that they take it for none', () => {
    const state = stateOf();
    const fingerprint = { sources: 's', conf: 'c', headers: 'h', compiler: 'v:g' };
    const build = { fingerprint, dependencies: {}, result: 'r', objects: ['demo.ko'] };
    put(fileOf(state), JSON.stringify({ version: 1, build, failure: some.failure }));
    const { fingerprint: _fingerprint, ...same } = build;
    const read = readRecord(state, module, kernel);
    expect(read).toEqual({ version: 2, build: { ...same, earlier: fingerprint }, failure: some.failure });
    writeRecord(state, module, kernel, read);
    expect(JSON.parse(readFileSync(fileOf(state), 'utf8'))).toMatchObject({ version: 2 });
    expect(readRecord(state, module, kernel)).toEqual(read);
    put(fileOf(state), JSON.stringify({ version: 1, failure: some.failure }));
    expect(readRecord(state, module, kernel)).toEqual(some);
  });
  it('go away with their log and their empty directories, and leave others alone', () => {
    const state = stateOf();
    writeRecord(state, module, kernel, some);
    writeRecord(state, { name: 'other', version: '1' }, kernel, some);
    put(failureLogFile(state, module, kernel), 'log');
    forgetRecord(state, module, kernel);
    expect(existsSync(failureLogFile(state, module, kernel))).toBe(false);
    expect(readdirSync(join(state, 'record'))).toEqual(['other']);
    forgetRecord(state, module, kernel);
  });
  it('stand, with the log of a failure, at a place of their own for each version and kernel', () => {
    expect(failureLogFile('/state', module, kernel)).toBe('/state/log/demo/1.0/6.1.0-56-amd64@x86_64.log');
  });
  it('are listed by what their names say, and other files are none', () => {
    const state = stateOf();
    const at = (path: string) => put(join(state, 'record', path), '{"version":1}');
    for (const path of ['a/1.0/6.1@x86_64.json', 'a/1.0/6@1@i686.json', 'b/2/6.1@x86_64.json']) at(path);
    for (const path of ['a/1.0/6.1@x86_64.json.bak', 'a/1.0/@x86_64.json', 'a/1.0/6.1@.json', 'a/1.0/6.1.json'])
      at(path);
    put(join(state, 'record/file'));
    put(join(state, 'record/a/file'));
    expect(recordedEntries(state).map(({ module: { name, version }, kernel: on }) => [name, version, on])).toEqual([
      ['a', '1.0', { release: '6.1', arch: 'x86_64' }],
      ['a', '1.0', { release: '6@1', arch: 'i686' }],
      ['b', '2', { release: '6.1', arch: 'x86_64' }],
    ]);
    expect(recordedEntries(join(root, 'gone'))).toEqual([]);
  });
  it('leave no temporary file beside them', () => {
    const state = stateOf();
    writeRecord(state, module, kernel, some);
    expect(readdirSync(join(state, 'record/demo/1.0'))).toEqual(['6.1.0-56-amd64@x86_64.json']);
  });
});

describe('an installed file', () => {
  const installed = (path: string): InstalledFile => {
    const { size, mtimeMs } = statSync(path);
    return { path, hash: createHash('sha256').update(readFileSync(path)).digest('hex'), size, mtimeMs };
  };
  const file = () => put(join(stateOf(), 'demo.ko'), 'bytes');
  const touched = (path: string): void => utimesSync(path, 1, 1);
  const rewritten = (path: string): void => {
    writeFileSync(path, 'BYTES');
    touched(path);
  };
  it.each<[string, (path: string) => void, boolean]>([
    ['that nobody touched is as it was installed', () => undefined, true],
    ['with a new time and the same bytes too', touched, true],
    ['that is gone is not', (path) => rmSync(path), false],
    ['with other bytes of the same number is not', rewritten, false],
    ['with more bytes is not', (path) => appendFileSync(path, '.'), false],
    [
      'with more bytes and its old time is not',
      (path) => {
        const { atime, mtime } = statSync(path);
        appendFileSync(path, '.');
        utimesSync(path, atime, mtime);
      },
      false,
    ],
  ])('%s', (_what, change, expected) => {
    const path = file();
    utimesSync(path, 1000, 1000);
    const known = installed(path);
    change(path);
    expect(isAsInstalled(known)).toBe(expected);
  });
  it('of the same size and time is not read again', () => {
    const path = file();
    expect(isAsInstalled({ ...installed(path), hash: 'of other bytes' })).toBe(true);
  });
});

describe('journals', () => {
  const journal = (ours: readonly string[]): Journal => ({ version: 1, module, kernel, action: 'install', ours });
  it('are open until they are closed', () => {
    const state = stateOf();
    expect(openJournals(state)).toEqual([]);
    openJournal(state, journal(['a']));
    expect(readJournal(state, 'demo', kernel)).toEqual(journal(['a']));
    expect(openJournals(state)).toEqual([journal(['a'])]);
    closeJournal(state, 'demo', kernel);
    expect(openJournals(state)).toEqual([]);
  });
  it('keep the files of an earlier one that was not closed', () => {
    const state = stateOf();
    openJournal(state, journal(['a', 'b']));
    expect(openJournal(state, journal(['b', 'c'])).ours).toEqual(['b', 'c', 'a']);
  });
  it.each([
    '',
    '{"version":1',
    'null',
    '1',
    '[]',
    '{}',
    '{"version":1}',
    '{"version":2,"ours":[]}',
    '{"ours":[]}',
    '{"version":1,"ours":"a"}',
    'true',
  ])('of rubbish (%j) count as none', (text) => {
    const state = stateOf();
    put(join(state, 'journal/demo@6.1.0-56-amd64@x86_64.json'), text);
    expect(readJournal(state, 'demo', kernel)).toBeUndefined();
    expect(openJournals(state)).toEqual([]);
    expect(openJournal(state, journal(['a'])).ours).toEqual(['a']);
  });
  it('that are still being written do not count', () => {
    const state = stateOf();
    put(join(state, 'journal/.tmp_demo'), JSON.stringify(journal(['a'])));
    expect(openJournals(state)).toEqual([]);
  });
});
