import { describe, expect, it } from 'vitest';
import {
  configText,
  contentsIn,
  indexText,
  layoutText,
  manifestIn,
  manifestText,
  mediaTypes,
  type Statement,
  statementIn,
} from '../../../../src/engine/store/layout.ts';
import { keyParts } from '../key/key-parts.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const blob = (digit: string, mediaType: string = mediaTypes.layer) => ({ mediaType, digest: digest(digit), size: 3 });

const statement: Statement = {
  format: 1,
  key: '1'.repeat(64),
  parts: keyParts,
  built: '2026-11-24T10:00:00.000Z',
  seconds: 12.3,
  result: 'r',
  objects: { 'demo.ko': 'h' },
};

describe('an image layout', () => {
  it('says what it is, as the specification words it', () => {
    expect(JSON.parse(layoutText)).toEqual({ imageLayoutVersion: '1.0.0' });
    const manifest: unknown = JSON.parse(manifestText(blob('a'), [blob('b'), blob('c')]));
    expect(manifest).toMatchObject({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
    const index: unknown = JSON.parse(indexText(blob('d'), 'KEY'));
    expect(index).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ digest: digest('d'), annotations: { 'org.opencontainers.image.ref.name': 'KEY' } }],
    });
  });
  it.each([
    ['x86_64', 'amd64'],
    ['aarch64', 'arm64'],
    ['i686', '386'],
    ['riscv64', 'riscv64'],
  ])('names the architecture %s as Go does: %s', (arch, expected) => {
    const config: unknown = JSON.parse(configText(statement, { release: '6.1', arch }, [digest('e')]));
    expect(config).toMatchObject({ architecture: expected, os: 'linux', rootfs: { diff_ids: [digest('e')] } });
  });
  it('gives back what was put into it', () => {
    expect(manifestIn(indexText(blob('d'), 'KEY'))).toMatchObject(blob('d'));
    const [config, layers] = [blob('a'), [blob('b'), blob('c')]];
    expect(contentsIn(manifestText(config, layers))).toEqual({ config, layers });
    expect(statementIn(configText(statement, { release: '6.1', arch: 'x86_64' }, []))).toEqual(statement);
  });
  it.each(['', 'rubbish', 'null', '[]', '{}', '{"manifests":[]}', '{"manifests":[{"digest":"x"}]}'])(
    'is none of %j',
    (text) => {
      expect(manifestIn(text)).toBeUndefined();
      expect(contentsIn(text)).toBeUndefined();
      expect(statementIn(text)).toBeUndefined();
    },
  );
  it.each(['sha256:../../etc/passwd', 'sha256:abc', 'sha512:'.padEnd(71, 'a'), `${digest('a')}/x`])(
    'takes no digest for a file name that is none: %s',
    (text) => {
      const bad = { ...blob('a'), digest: text };
      expect(manifestIn(indexText(bad, 'KEY'))).toBeUndefined();
      expect(contentsIn(manifestText(bad, [blob('b'), blob('c')]))).toBeUndefined();
      expect(contentsIn(manifestText(blob('b'), [blob('b'), bad]))).toBeUndefined();
    },
  );
  it('of other layers than two is none of ours', () => {
    expect(contentsIn(manifestText(blob('a'), [blob('b')]))).toBeUndefined();
    expect(contentsIn(manifestText(blob('a'), [blob('b'), blob('c'), blob('d')]))).toBeUndefined();
  });
  it.each<[string, object]>([
    ['format', { ...statement, format: 2 }],
    ['key', { ...statement, key: 1 }],
    ['parts', { ...statement, parts: { ...keyParts, format: 2 } }],
    ['objects', { ...statement, objects: { 'demo.ko': 1 } }],
    ['seconds', { ...statement, seconds: '1' }],
    ['time', { ...statement, built: 1 }],
    ['result', { ...statement, result: 1 }],
    ['module', { ...statement, parts: { ...keyParts, module: 1 } }],
    ['kernel', { ...statement, parts: { ...keyParts, kernel: 1 } }],
    ['source', { ...statement, parts: { ...keyParts, sources: 1 } }],
    ['dependency', { ...statement, parts: { ...keyParts, dependencies: { a: 1 } } }],
    ['kind of parts', { ...statement, parts: 'x' }],
    ['kind of objects', { ...statement, objects: 'x' }],
  ])('has no statement with another %s', (_what, other) => {
    expect(statementIn(JSON.stringify({ kmodsort: other }))).toBeUndefined();
  });
});
