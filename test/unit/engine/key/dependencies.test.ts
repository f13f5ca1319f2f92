import { mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import {
  changedDependencies,
  dependenciesNow,
  dependencyParts,
  usedSymbols,
} from '../../../../src/engine/key/dependencies.ts';
import { keyOf } from '../../../../src/engine/key/key.ts';
import { type BuildRecord, writeRecord } from '../../../../src/engine/state/record.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { keyParts } from './key-parts.ts';

const temporary = temporaryDirectory();

const exports = (symbols: Readonly<Record<string, string>>): Map<string, string> => new Map(Object.entries(symbols));
const used = exports({ one: '0x11111111', two: '0x22222222' });
const imports = exports({ one: '0x11111111', printk: '0x99999999' });

const buildOf = (symbols: ReturnType<typeof usedSymbols>): BuildRecord => ({
  dependencies: { dep: symbols },
  objects: [],
});

describe('changedDependencies', () => {
  const build = buildOf(usedSymbols({ version: '1.0', exported: used }, imports));
  const both = buildOf(usedSymbols({ version: '1.0', exported: used }, used));
  const unused = buildOf(usedSymbols({ version: '1.0', exported: used }, exports({ printk: '0x99999999' })));
  const halfCrcs = { one: '0x00000000', two: '0x22222222' };
  const half = buildOf(usedSymbols({ version: '1.0', exported: exports(halfCrcs) }, exports(halfCrcs)));
  const zeroesInside = { one: '0x00001000' };
  const small = buildOf(usedSymbols({ version: '1.0', exported: exports(zeroesInside) }, exports(zeroesInside)));
  const crcless = buildOf(
    usedSymbols({ version: '1.0', exported: exports({ one: '0x00000000' }) }, exports({ one: '0x00000000' })),
  );
  const withCrcs = { hasModversions: true, onVersion: false };
  const without = { hasModversions: false, onVersion: false };
  const same = { one: '0x11111111', two: '0x22222222' };
  it.each([
    ['nothing changed', build, '1.0', same, withCrcs, false],
    ['an unused symbol changed', build, '1.0', { ...same, two: '0x33333333' }, withCrcs, false],
    ['a used symbol changed', build, '1.0', { ...same, one: '0x33333333' }, withCrcs, true],
    ['the version is the same and the conf minds', build, '1.0', same, { ...withCrcs, onVersion: true }, false],
    ['one of two used symbols changed', both, '1.0', { ...same, two: '0x33333333' }, withCrcs, true],
    ['nothing is used and all changed', unused, '1.0', { one: '0x33333333' }, withCrcs, false],
    ['one CRC is zero and a new symbol', half, '1.0', { ...halfCrcs, new: '0x5' }, withCrcs, false],
    ['a CRC with zeroes inside and a new symbol', small, '1.0', { ...zeroesInside, new: '0x5' }, withCrcs, false],
    ['a used symbol is gone', build, '1.0', { two: '0x22222222' }, withCrcs, true],
    ['only the version changed', build, '1.1', same, withCrcs, false],
    ['the version changed and the conf minds', build, '1.1', same, { ...withCrcs, onVersion: true }, true],
    ['an unused symbol changed, and there are no CRCs', build, '1.0', { ...same, two: '0x33333333' }, without, true],
    ['nothing changed, and there are no CRCs', build, '1.0', same, without, false],
    ['CRCs of zero and a new symbol', crcless, '1.0', { one: '0x00000000', new: '0x00000000' }, withCrcs, true],
    ['only the version changed, and there are no CRCs', build, '1.1', same, without, true],
    ['CRCs of zero and no change', crcless, '1.0', { one: '0x00000000' }, withCrcs, false],
  ])('%s', (_what, record, version, exported, options, isChanged) => {
    const now = new Map([['dep', { version, exported: exports(exported) }]]);
    expect(changedDependencies(record, now, options)).toEqual(isChanged ? ['dep'] : []);
  });
  it.each([
    ['the same', 'r1', 'r1', without, false],
    ['another', 'r1', 'r2', without, true],
    ['known of what was rebuilt only', undefined, 'r2', without, true],
    ['not known any more', 'r1', undefined, without, true],
    ['another, where CRCs tell', 'r1', 'r2', withCrcs, false],
  ])(
    'minds the result of a build where names are all that there is: %s',
    (_what, before, after, options, isChanged) => {
      const dependency = (result: string | undefined) => ({
        version: '1.0',
        exported: used,
        ...(result === undefined ? {} : { result }),
      });
      const record = buildOf(usedSymbols(dependency(before), imports));
      expect(changedDependencies(record, new Map([['dep', dependency(after)]]), options)).toEqual(
        isChanged ? ['dep'] : [],
      );
    },
  );
  it('says nothing of a dependency that is gone', () => {
    expect(changedDependencies(build, new Map(), { hasModversions: true, onVersion: true })).toEqual([]);
  });
  it('remembers of the dependency only what is used of it', () => {
    expect(usedSymbols({ version: '1.0', exported: used }, imports).crcs).toEqual({ one: '0x11111111' });
  });
});

describe('what is there of a dependency', () => {
  const kernel = { release: '6.1.0-56-amd64', arch: 'x86_64' };
  const parts = { ...keyParts, module: 'low/1.0' };
  /** A dkms tree with low/1.0 and, if it is said, what is remembered of it. */
  const nowWith = async (build?: BuildRecord) => {
    const root = mkdtempSync(join(temporary, 'machine-'));
    const settings = { ...(await readSettings({}, {})), dkmsTree: join(root, 'dkms'), stateDir: join(root, 'state') };
    put(
      join(settings.dkmsTree, 'low/1.0', kernel.release, kernel.arch, 'module/Module.symvers'),
      '0x1\tlow\tlow\tEXPORT_SYMBOL\n',
    );
    symlinkSync(
      `1.0/${kernel.release}/${kernel.arch}`,
      join(settings.dkmsTree, `low/kernel-${kernel.release}-${kernel.arch}`),
    );
    if (build) writeRecord(settings.stateDir, { name: 'low', version: '1.0' }, kernel, { version: 2, build });
    return dependenciesNow({ settings }, kernel, ['low', 'other']);
  };
  it('is what is installed, with the Key and the result of its build', async () => {
    const exported = new Map([['low', '0x1']]);
    expect(await nowWith()).toEqual(new Map([['low', { version: '1.0', exported }]]));
    expect(await nowWith({ parts, result: 'r', dependencies: {}, objects: [] })).toEqual(
      new Map([['low', { version: '1.0', exported, result: 'r', key: keyOf(parts) }]]),
    );
  });
  it('has no Key of its own where dkms has built it', async () => {
    const adopted = await nowWith({ adopted: true, parts, dependencies: {}, objects: [] });
    expect(adopted.get('low')).toEqual({ version: '1.0', exported: new Map([['low', '0x1']]) });
  });
});

describe('a dependency as a part of a Key', () => {
  const partOf = (
    now: { exported?: Map<string, string>; result?: string; key?: string; version?: string },
    versions: boolean,
  ) => dependencyParts(new Map([['dep', { version: '1.0', exported: used, ...now }]]), versions).dep;
  it('is what it exports where that has CRCs, whatever was built', () => {
    expect(partOf({ result: 'r', key: 'k', version: '2.0' }, true)).toBe(partOf({}, true));
    expect(partOf({ exported: imports }, true)).not.toBe(partOf({}, true));
  });
  it('is its own Key where names are all that there is, or else what was built', () => {
    expect(partOf({ result: 'r', key: 'k' }, false)).toBe('k');
    expect(partOf({ result: 'r' }, false)).not.toBe(partOf({ result: 'other' }, false));
    expect(partOf({ exported: imports }, false)).not.toBe(partOf({}, false));
  });
});
