import { describe, expect, it } from 'vitest';
import type { StoreAnswer, StoredEntry } from '../../../src/engine/answers.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { storeLines } from '../../../src/report/store.ts';

const entry: StoredEntry = {
  name: 'zfs',
  key: '0123456789abcdef',
  bytes: 12_900_000,
  used: '2026-11-24T10:00:00.000Z',
  build: { module: 'zfs/2.3.9', kernel: '6.1.0-56-amd64/x86_64', built: '2026-11-24T10:00:00.000Z', seconds: 279 },
  isKept: true,
};
const { build: _build, ...unreadable } = { ...entry, name: 'v4l2loopback', bytes: 640, isKept: false };
const answer: StoreAnswer = {
  kind: 'store',
  action: 'list',
  entries: [entry, unreadable],
  bytes: 12_900_640,
  limit: 2 * 1024 ** 3,
  count: 2,
};

describe('the store', () => {
  it('is listed, and what cannot be read by its name', () => {
    expect(storeLines(answer)).toEqual([
      'zfs/2.3.9                    6.1.0-56-amd64  built 2026-11-24 in 4 min 39 s  12.3 MiB  0123456789ab  in use',
      'v4l2loopback (0123456789ab)                  cannot be read                  640 B     0123456789ab',
      '2 builds, 12.3 MiB of 2.0 GiB',
    ]);
  });
  it('says who has built what was not built here', () => {
    const build = { module: 'zfs/2.3.9', kernel: '6.1.0/x86_64', built: entry.used, seconds: 5, by: 'ci@example.org' };
    expect(storeLines({ ...answer, entries: [{ ...entry, build }] })[0]).toContain(' in 5.0 s by ci@example.org  12.3');
  });
  it('says what went', () => {
    expect(storeLines({ ...answer, action: 'gc', entries: [unreadable] })[0]).toMatch(/^removed: v4l2loopback/);
    expect(storeLines({ ...answer, action: 'verify', entries: [unreadable] })[0]).toMatch(/^damaged, removed: v4l2/);
    expect(storeLines({ ...answer, action: 'gc', entries: [], bytes: 0, count: 0 })).toEqual([
      '0 builds, 0 B of 2.0 GiB',
    ]);
  });
  it('says that nothing is kept', () => {
    expect(storeLines({ ...answer, entries: [], limit: 0, bytes: 1024 ** 4, count: 1 })).toEqual([
      '1 build, 1.0 TiB; store_size="0" keeps no more',
    ]);
  });
  it('ends with 1 where something was damaged', () => {
    const status = (one: StoreAnswer): number => exitStatus(one, 'typed', { requiredFailed: false });
    expect(status(answer)).toBe(0);
    expect(status({ ...answer, action: 'gc' })).toBe(0);
    expect(status({ ...answer, action: 'verify' })).toBe(1);
    expect(status({ ...answer, action: 'verify', entries: [] })).toBe(0);
  });
});
