import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identityMark } from '../../../../src/engine/kernel/compiler.ts';
import type { KernelFacts } from '../../../../src/engine/kernel/kernel.ts';
import { changedEarlier, earlierInputs, earlierParts } from '../../../../src/engine/key/earlier.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { factsOf } from '../conf/conf-world.ts';

const root = temporaryDirectory();
const release = '6.1.0-56-amd64';

/** A kernel whose headers have these files. */
const kernelWith = (files: Readonly<Record<string, string>>, config = 'CONFIG_MODVERSIONS'): KernelFacts => {
  const headers = mkdtempSync(join(root, 'headers-'));
  for (const [path, text] of Object.entries(files)) put(join(headers, path), text);
  return factsOf(release, { headers, config: new Map([[config, 'y']]) });
};

const withoutHeaders = (): KernelFacts => {
  const { headers: _headers, ...facts } = factsOf();
  return facts;
};

const symvers = (text: string): KernelFacts => kernelWith({ 'Module.symvers': text });

/** With a compiler that is always the same. */
const partsOf = (...given: Parameters<typeof earlierParts> extends [...infer Rest, string] ? Rest : never) =>
  earlierParts(...given, `${identityMark}gcc`);

describe('what earlier versions remembered', () => {
  it('names the part that changed, and only that', () => {
    const override = put(join(root, 'demo.conf'), 'MAKE=one\n');
    const local = join(root, 'local');
    const facts = symvers('1');
    const now = () => partsOf('s', [override], local, facts);
    const before = now();
    expect(changedEarlier(before, now())).toEqual([]);
    put(override, 'MAKE=two\n');
    expect(changedEarlier(before, now())).toEqual(['conf']);
    const afterOverride = now();
    put(join(local, 'patches/x.patch'));
    expect(changedEarlier(afterOverride, now())).toEqual(['conf']);
    expect(changedEarlier(now(), partsOf('t', [override], local, facts))).toEqual(['sources']);
    expect(changedEarlier(now(), partsOf('s', [override], local, symvers('2')))).toEqual(['headers']);
  });
  it('takes an override that is not there, or is no file, for an empty one of that name', () => {
    const missing = join(root, 'none.conf');
    const confOf = (path: string) => partsOf('s', [path], join(root, 'no-local'), factsOf()).conf;
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
    const withGenerated = (text: string) =>
      partsOf(
        's',
        [],
        join(root, 'no-local'),
        text === ''
          ? symvers('')
          : kernelWith({ 'include/generated/autoconf.h': text, 'Module.symvers': '' }, 'CONFIG_X'),
      );
    expect(changedEarlier(withGenerated(before), withGenerated(after))).toEqual(changed);
  });
  it('names headers once', () => {
    const of = (text: string) =>
      partsOf(
        's',
        [],
        join(root, 'no-local'),
        kernelWith({ 'Module.symvers': text, 'include/generated/compile.h': text }, 'CONFIG_X'),
      );
    expect(changedEarlier(of('1'), of('2'))).toEqual(['headers']);
  });
  it('says nothing of headers that are not there', () => {
    const before = partsOf('s', [], join(root, 'no-local'), symvers('1'));
    const without = partsOf('s', [], join(root, 'no-local'), withoutHeaders());
    expect(changedEarlier(before, without)).toEqual([]);
  });
  it.each([
    ['the same', 'v:gcc 12', 'v:gcc 12', []],
    ['another one', 'v:gcc 12', 'v:gcc 13', ['compiler']],
    ['none to be found', 'v:gcc 12', '', []],
    ['one where there was none', '', 'v:gcc 12', ['compiler']],
    ['known by its file in an earlier version of ours', '3f2a', 'v:gcc 12', []],
  ])('minds the compiler: %s', (_what, before, after, changed) => {
    const withCompiler = (compiler: string) => earlierParts('s', [], join(root, 'no-local'), factsOf(), compiler);
    expect(changedEarlier(withCompiler(before), withCompiler(after))).toEqual(changed);
  });
  it.each(['Module.symvers', 'include/config/auto.conf', 'include/generated/utsrelease.h'])('minds %s', (file) => {
    const of = (text: string) => partsOf('s', [], join(root, 'no-local'), kernelWith({ [file]: text }));
    expect(changedEarlier(of('1'), of('2'))).toEqual(['headers']);
    expect(changedEarlier(of('1'), of('1'))).toEqual([]);
  });
  it('takes a directory in place of a file for nothing', () => {
    expect(partsOf('s', [], join(root, 'no-local'), kernelWith({ 'Module.symvers/x': '' })).headers).toMatch(
      /^[0-9a-f]{64}$/,
    );
  });
});

const exports = (symbols: Readonly<Record<string, string>>): Map<string, string> => new Map(Object.entries(symbols));
const used = exports({ one: '0x11111111', two: '0x22222222' });
const imports = exports({ one: '0x11111111', printk: '0x99999999' });
const parts = { sources: 's', conf: 'c', headers: 'h', compiler: 'c' };

describe('what they remembered a failure under', () => {
  const module = { name: 'demo', version: '1.0' };
  const dependency = { version: '1.0', exported: used };
  const key = earlierInputs(
    module,
    parts,
    new Map([
      ['a', dependency],
      ['b', dependency],
    ]),
  );
  it('does not depend on the order of dependencies', () => {
    expect(
      earlierInputs(
        module,
        parts,
        new Map([
          ['b', dependency],
          ['a', dependency],
        ]),
      ),
    ).toBe(key);
  });
  it.each([
    [{ ...module, version: '1.1' }, parts, dependency],
    [module, { ...parts, sources: 'x' }, dependency],
    [module, { ...parts, compiler: 'x' }, dependency],
    [module, parts, { ...dependency, version: '2' }],
    [module, parts, { ...dependency, exported: imports }],
  ])('differs when any input does (%#)', (other, changed, a) => {
    expect(
      earlierInputs(
        other,
        changed,
        new Map([
          ['a', a],
          ['b', dependency],
        ]),
      ),
    ).not.toBe(key);
  });
});
