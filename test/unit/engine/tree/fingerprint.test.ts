import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identityMark } from '../../../../src/engine/kernel/compiler.ts';
import type { BuildRecord } from '../../../../src/engine/state/record.ts';
import {
  changedDependencies,
  changedParts,
  fingerprintOf,
  inputsKey,
  usedSymbols,
} from '../../../../src/engine/tree/fingerprint.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { factsOf } from '../conf/conf-world.ts';

const root = temporaryDirectory();

/** With a compiler that is always the same. */
const printOf = (...given: Parameters<typeof fingerprintOf> extends [...infer Rest, string] ? Rest : never) =>
  fingerprintOf(...given, `${identityMark}gcc`);

describe('fingerprintOf', () => {
  it('names the part that changed, and only that', () => {
    const override = put(join(root, 'demo.conf'), 'MAKE=one\n');
    const local = join(root, 'local');
    const now = () => printOf('s', [override], local, factsOf());
    const before = now();
    expect(changedParts(before, now())).toEqual([]);
    put(override, 'MAKE=two\n');
    expect(changedParts(before, now())).toEqual(['conf']);
    const afterOverride = now();
    put(join(local, 'patches/x.patch'));
    expect(changedParts(afterOverride, now())).toEqual(['conf']);
    expect(changedParts(now(), printOf('t', [override], local, factsOf()))).toEqual(['sources']);
    const otherHeaders = factsOf('6.1.0-56-amd64', { headersHash: 'h2' });
    expect(changedParts(now(), printOf('s', [override], local, otherHeaders))).toEqual(['headers']);
  });
  it('takes an override that is not there, or is no file, for an empty one of that name', () => {
    const missing = join(root, 'none.conf');
    const confOf = (path: string) => printOf('s', [path], join(root, 'no-local'), factsOf()).conf;
    const gone = confOf(missing);
    put(join(missing, 'x'));
    expect(confOf(missing)).toBe(gone);
    rmSync(missing, { recursive: true });
    put(missing, '');
    expect(confOf(missing)).toBe(gone);
    expect(confOf(join(root, 'other.conf'))).not.toBe(gone);
  });
  it.each([
    ['is the same', 'g1', 'g1', []],
    ['is another', 'g1', 'g2', ['headers']],
    ['was not written down before', '', 'g2', []],
    ['is nothing now', 'g1', '', []],
  ])('minds what the build of a kernel generated: %s', (_what, before, after, changed) => {
    const withGenerated = (generatedHash: string) =>
      printOf('s', [], root, factsOf('6.1.0-56-amd64', { generatedHash }));
    expect(changedParts(withGenerated(before), withGenerated(after))).toEqual(changed);
  });
  it('names headers once', () => {
    const of = (hash: string) =>
      printOf('s', [], root, factsOf('6.1.0-56-amd64', { headersHash: hash, generatedHash: hash }));
    expect(changedParts(of('1'), of('2'))).toEqual(['headers']);
  });
  it('says nothing of headers that are not there', () => {
    const before = printOf('s', [], root, factsOf());
    const without = printOf('s', [], root, factsOf('6.1.0-56-amd64', { headersHash: '' }));
    expect(changedParts(before, without)).toEqual([]);
  });
  it.each([
    ['the same', 'v:gcc 12', 'v:gcc 12', []],
    ['another one', 'v:gcc 12', 'v:gcc 13', ['compiler']],
    ['none to be found', 'v:gcc 12', '', []],
    ['one where there was none', '', 'v:gcc 12', ['compiler']],
    ['known by its file in an earlier version of ours', '3f2a', 'v:gcc 12', []],
  ])('minds the compiler: %s', (_what, before, after, changed) => {
    const withCompiler = (compiler: string) => fingerprintOf('s', [], root, factsOf(), compiler);
    expect(changedParts(withCompiler(before), withCompiler(after))).toEqual(changed);
  });
});

const exports = (symbols: Readonly<Record<string, string>>): Map<string, string> => new Map(Object.entries(symbols));
const used = exports({ one: '0x11111111', two: '0x22222222' });
const imports = exports({ one: '0x11111111', printk: '0x99999999' });
const fingerprint = { sources: 's', conf: 'c', headers: 'h', compiler: 'c' };

const buildOf = (symbols: ReturnType<typeof usedSymbols>): BuildRecord => ({
  fingerprint,
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

describe('inputsKey', () => {
  const module = { name: 'demo', version: '1.0' };
  const dependency = { version: '1.0', exported: used };
  const key = inputsKey(
    module,
    fingerprint,
    new Map([
      ['a', dependency],
      ['b', dependency],
    ]),
  );
  it('does not depend on the order of dependencies', () => {
    expect(
      inputsKey(
        module,
        fingerprint,
        new Map([
          ['b', dependency],
          ['a', dependency],
        ]),
      ),
    ).toBe(key);
  });
  it.each([
    [{ ...module, version: '1.1' }, fingerprint, dependency],
    [module, { ...fingerprint, sources: 'x' }, dependency],
    [module, { ...fingerprint, compiler: 'x' }, dependency],
    [module, fingerprint, { ...dependency, version: '2' }],
    [module, fingerprint, { ...dependency, exported: imports }],
  ])('differs when any input does (%#)', (other, prints, a) => {
    expect(
      inputsKey(
        other,
        prints,
        new Map([
          ['a', a],
          ['b', dependency],
        ]),
      ),
    ).not.toBe(key);
  });
});
