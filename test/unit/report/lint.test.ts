import { describe, expect, it } from 'vitest';
import type { LintAnswer } from '../../../src/engine/answers.ts';
import type { Finding } from '../../../src/engine/findings.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { lintLines } from '../../../src/report/lint.ts';

const error: Finding = { rule: 'script-missing', file: 'a/dkms.conf', line: 3, directive: 'PRE_BUILD', script: 'x.sh' };
const warning: Finding = { rule: 'own-jobs', file: 'a/Makefile', line: 4, word: '-j4' };

const answer = (more: Partial<LintAnswer> = {}): LintAnswer => ({
  kind: 'linted',
  findings: [],
  sources: 1,
  packages: 0,
  failures: [],
  hasShellcheck: true,
  ...more,
});

const status = (one: LintAnswer): number => exitStatus(one, 'typed', { requiredFailed: false });

describe('lintLines', () => {
  it('shows findings as compilers do, each with its fix', () => {
    expect(lintLines(answer({ findings: [error, warning], packages: 1 }))).toEqual([
      'a/dkms.conf:3: error: PRE_BUILD names x.sh, which is not in the source: nothing is run [script-missing]',
      '  fix  ship the script, or remove the line; the first word is a path in the source, not a program',
      'a/Makefile:4: warning: -j4 takes its own number of jobs, beside those of all other builds [own-jobs]',
      '  fix  leave -j out: dkms and kmodsort say how many jobs may run',
      'kmodsort: lint: 1 source, 1 package: 1 error, 1 warning',
      'kmodsort: rules are explained in docs/lint.md#RULE, as docs/lint.md#script-missing (/usr/share/doc/kmodsort/lint.md)',
    ]);
  });
  it('says what was not looked at', () => {
    const failures = [{ kind: 'tool-missing', at: 'rpm', detail: 'rpm reads x.rpm' }] as const;
    expect(lintLines(answer({ failures, sources: 0, hasShellcheck: false }))).toEqual([
      expect.stringMatching(/^kmodsort: FAILED: command not found: rpm/),
      'kmodsort: shellcheck is not installed: shell scripts were not checked by it',
      'kmodsort: lint: nothing looked at: 1 not read',
    ]);
  });
});

describe('the exit status', () => {
  it.each([
    ['nothing', answer(), 0],
    ['warnings', answer({ findings: [warning] }), 0],
    ['an error', answer({ findings: [warning, error] }), 1],
    ['what could not be read', answer({ failures: [{ kind: 'archive-missing' }] }), 1],
  ])('of %s', (_what, one, expected) => {
    expect(status(one)).toBe(expected);
  });
});
