import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../../src/engine/key/key.ts';
import { type Claim, readStatement, statementText } from '../../../../src/engine/registry/statement.ts';
import type { KeyParts } from '../../../../src/engine/state/record.ts';
import { keyParts } from '../key/key-parts.ts';
import { provenanceProblems } from './provenance-rules.ts';

const hash = (digit: string): string => digit.repeat(64);
const parts: KeyParts = {
  ...keyParts,
  sources: hash('a'),
  conf: '',
  headers: hash('b'),
  environment: 'none',
  compiler: 'gcc (Debian 12.2.0-14) 12.2.0 \u2026',
  pahole: '',
  given: ['KCFLAGS=-O2'],
  dependencies: { spl: hash('c'), 'other.one': '1.0 abc' },
};
const layer = (digit: string) => ({
  blob: { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd', digest: `sha256:${hash(digit)}`, size: 4711 },
  diff: `sha256:${hash('f')}`,
});
const claim: Claim = {
  statement: {
    format: 1,
    key: keyOf(parts),
    parts,
    built: '2026-11-24T10:00:00.000Z',
    seconds: 279.4,
    result: hash('d'),
    objects: { 'zfs.ko': hash('1'), 'spl.ko': hash('2') },
  },
  layers: [layer('3'), layer('4')],
};
const builder = 'SHA256:x6Y/mT+0LMSbrqk0nlBN8oYUvdA9XmDDCRzKtKPuFmo';
const text = statementText(claim, builder);
const value = (): Record<string, unknown> => JSON.parse(text);

describe('a Statement', () => {
  it('keeps the rules of in-toto Statement v1 and SLSA Provenance v1', () => {
    expect(provenanceProblems(value())).toEqual([]);
  });
  it('names every object with its hash, and every part of the Key', () => {
    expect(value()).toMatchObject({
      subject: [
        { name: 'zfs.ko', digest: { sha256: hash('1') } },
        { name: 'spl.ko', digest: { sha256: hash('2') } },
      ],
      predicate: {
        buildDefinition: {
          resolvedDependencies: [
            { name: 'sources', digest: { kmodsortContents: hash('a') } },
            { name: 'headers', digest: { kmodsortContents: hash('b') } },
            { name: 'kbuild' },
            { name: 'environment' },
            { name: 'compiler', content: Buffer.from(parts.compiler).toString('base64') },
            { name: 'linker' },
            { name: 'dependency spl', digest: { kmodsortContents: hash('c') } },
            { name: 'dependency other.one' },
          ],
        },
        runDetails: { builder: { id: `urn:kmodsort:builder:${builder}` } },
      },
    });
  });
  it('carries the signatures of modules, if there are any', () => {
    const signatures = { 'zfs.ko': 'AAAA', 'spl.ko': 'BBBB' };
    const signed = statementText({ ...claim, statement: { ...claim.statement, signatures } }, builder);
    expect(provenanceProblems(JSON.parse(signed))).toEqual([]);
    expect(readStatement(signed)).toEqual({ ...claim, statement: { ...claim.statement, signatures } });
    expect(readStatement(signed.replace('signature of spl.ko', 'signature of spa.ko'))).toEqual({
      problem: { problem: 'statement-malformed', at: 'byproducts' },
    });
  });
  it("names the kernel's package and version string, and whether it was confined, where that is known", () => {
    const kernelPackage = { manager: 'dpkg', name: 'linux-headers-6.1', version: '6.1.192-2' } as const;
    const more = { ...claim.statement, kernelPackage, vermagic: '6.1 SMP modversions', confined: 'strict' } as const;
    const said = statementText({ ...claim, statement: more }, builder);
    expect(provenanceProblems(JSON.parse(said))).toEqual([]);
    expect(readStatement(said)).toEqual({ ...claim, statement: more });
  });
  it('gives back what was put into it, so that its Key is that of its parts', () => {
    const read = readStatement(text);
    expect(read).toEqual(claim);
    expect('statement' in read && keyOf(read.statement.parts)).toBe(claim.statement.key);
  });
});

/** A copy in which the value at a path is another one, or is not there. */
const changed = (path: readonly (string | number)[], to: unknown): string => {
  const copy: unknown = JSON.parse(text);
  let at: unknown = copy;
  for (const step of path.slice(0, -1)) at = Reflect.get(Object(at), step);
  Reflect.set(Object(at), path.at(-1) ?? '', to);
  return JSON.stringify(copy);
};
const definition = ['predicate', 'buildDefinition'];
const details = ['predicate', 'runDetails'];

describe('readStatement', () => {
  it.each<[string, (string | number)[], unknown]>([
    ['of in-toto', ['_type'], 'https://in-toto.io/Statement/v2'],
    ['of the predicate', ['predicateType'], 'https://slsa.dev/provenance/v2'],
    ['of ours', [...definition, 'buildType'], 'urn:kmodsort:build:v2'],
    ['that is missing', ['_type'], undefined],
  ])('says of which version one is that it does not know: %s', (_what, path, to) => {
    expect(readStatement(changed(path, to))).toEqual({
      problem: { problem: 'statement-version', found: String(to) },
    });
  });
  it.each<[string, (string | number)[], unknown]>([
    ['no predicate', ['predicate'], undefined],
    ['no subject', ['subject'], []],
    ['one subject twice', ['subject', 1, 'name'], 'zfs.ko'],
    ['a subject that leads elsewhere', ['subject', 0, 'name'], '../zfs.ko'],
    ['a subject that is no object', ['subject', 0, 'name'], 'Module.symvers'],
    ['a subject without a hash', ['subject', 0, 'digest'], { md5: 'x' }],
    ['a short hash', ['subject', 0, 'digest', 'sha256'], 'abc'],
    ['a hash in capitals', ['subject', 0, 'digest', 'sha256'], hash('A')],
    ['no key', [...definition, 'internalParameters', 'key'], undefined],
    ['no result', [...definition, 'internalParameters', 'result'], 5],
    [
      'a package of a manager that nobody knows',
      [...definition, 'internalParameters', 'kernelPackage'],
      { manager: 'x' },
    ],
    ['a way of confinement that nobody knows', [...definition, 'internalParameters', 'confined'], 'yes'],
    ['a version string that is none', [...definition, 'internalParameters', 'vermagic'], 5],
    ['a number in place of the module', [...definition, 'externalParameters', 'module'], 5],
    ['directives that are no list', [...definition, 'externalParameters', 'given'], 'x'],
    ['a directive that is no text', [...definition, 'externalParameters', 'given'], [1]],
    ['parts that are no list', [...definition, 'resolvedDependencies'], {}],
    ['a part without a value', [...definition, 'resolvedDependencies', 0], { name: 'sources' }],
    ['one layer', [...details, 'byproducts'], [value()]],
    ['layers in another order', [...details, 'byproducts', 0, 'name'], 'log'],
    ['a layer that leads elsewhere', [...details, 'byproducts', 0, 'digest', 'sha256'], '../x'],
    ['a layer of no size', [...details, 'byproducts', 0, 'annotations', 'size'], -1],
    ['a layer of another diff', [...details, 'byproducts', 0, 'annotations', 'diffId'], 'x'],
    ['no time', [...details, 'metadata', 'finishedOn'], 'yesterday'],
  ])('refuses %s', (_what, path, to) => {
    expect(readStatement(changed(path, to))).toEqual({
      problem: { problem: 'statement-malformed', at: expect.any(String) },
    });
  });
  it.each(['', 'rubbish', 'null', '5'])('refuses what is none: %j', (one) => {
    expect(readStatement(one)).toEqual({ problem: { problem: 'statement-malformed', at: 'JSON' } });
  });
});
