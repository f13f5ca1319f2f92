import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../../src/engine/key/key.ts';
import { type FailureClaim, failureText, isShared, readFailure } from '../../../../src/engine/registry/failure.ts';
import { readStatement } from '../../../../src/engine/registry/statement.ts';
import { keyParts } from '../key/key-parts.ts';
import { provenanceProblems } from './provenance-rules.ts';

const claim: FailureClaim = {
  key: keyOf({ ...keyParts, conf: '' }),
  parts: { ...keyParts, conf: '' },
  failure: { kind: 'compiler-failed', at: 'make', detail: 'zfs.c:1:1: error: expected …' },
  at: '2026-11-24T10:00:00.000Z',
  log: {
    blob: { mediaType: 'application/x', digest: `sha256:${'1'.repeat(64)}`, size: 5 },
    diff: `sha256:${'2'.repeat(64)}`,
  },
};
const text = failureText(claim, 'SHA256:abc');

describe('the Statement of a failure', () => {
  it('keeps the rules of in-toto Statement v1 and SLSA Provenance v1', () => {
    expect(provenanceProblems(JSON.parse(text))).toEqual([]);
  });
  it('gives back what was put into it, and is none of a build', () => {
    expect(readFailure(text)).toEqual(claim);
    expect(readStatement(text)).toEqual({
      problem: { problem: 'statement-version', found: 'urn:kmodsort:failure:v1' },
    });
  });
  it('tells of the log and the cause alone', () => {
    const more = { ...claim.failure, log: '/var/log/x', by: 'x', install: 'rm -rf /' };
    expect(failureText({ ...claim, failure: more }, 'SHA256:abc')).toBe(text);
  });
  it.each<[string | RegExp, string]>([
    ['compiler-failed', 'disk-full'],
    ['compiler-failed', 'nonsense'],
    ['"kind": "compiler-failed"', '"kind": 5'],
    [/"name": "log"(?=[^}]*\},\s+"mediaType")/, '"name": "built"'],
    ['"key": "', '"yek": "'],
  ])('is refused with another %s: %s', (from, to) => {
    const other = text.replace(from, to);
    expect([other === text, readFailure(other)]).toEqual([
      false,
      { problem: { problem: 'statement-malformed', at: expect.any(String) } },
    ]);
  });
});

describe('isShared', () => {
  it.each(['compiler-older', 'modpost-failed', 'patch-failed', 'patch-missing'] as const)(
    'tells others of %s',
    (kind) => {
      expect(isShared({ kind })).toBe(true);
    },
  );
  it('tells others of what the compiler found where nothing else had a say', () => {
    expect(isShared({ kind: 'compiler-failed', determined: true })).toBe(true);
    expect(isShared({ kind: 'compiler-failed' })).toBe(false);
  });
  it.each(['make-failed', 'script-failed', 'disk-full', 'tool-missing', 'will-not-load', 'headers-missing'] as const)(
    'keeps %s to itself',
    (kind) => {
      expect(isShared({ kind })).toBe(false);
    },
  );
});
