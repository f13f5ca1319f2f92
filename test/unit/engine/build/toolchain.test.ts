import { describe, expect, it } from 'vitest';
import { withMismatch } from '../../../../src/engine/build/toolchain.ts';
import type { Failure, FailureKind } from '../../../../src/engine/errors.ts';

const gcc = (major: number) => ({ tool: 'gcc', major }) as const;
const older: Failure = {
  kind: 'compiler-older',
  at: 'gcc',
  problem: { problem: 'program-older', release: '6.17', built: gcc(14), found: gcc(12) },
  install: 'apt install gcc-14',
};
const missing: Failure = {
  kind: 'compiler-missing',
  at: 'gcc-14',
  problem: { problem: 'program-missing', release: '6.17', program: 'gcc-14' },
};
const rust: Failure = { kind: 'rust-mismatch', problem: { problem: 'rust-version', release: '6.17' } };

describe('a mismatch of compilers', () => {
  it.each<readonly [FailureKind, string, readonly string[]]>([
    ['compiler-failed', "gcc: error: unrecognized command-line option '-fx'", ['older', 'missing', 'rust']],
    ['modpost-failed', 'ERROR: modpost: "__x" [demo.ko] undefined!', ['older', 'missing', 'rust']],
    ['make-failed', 'Makefile:3: *** Compiler lacks asm-goto support.  Stop.', ['older', 'missing', 'rust']],
    ['make-failed', 'Makefile:3: *** gcc 13 or newer is wanted.  Stop.', ['older', 'missing', 'rust']],
    ['make-failed', "ln: failed to create symbolic link '/x': No such file or directory", ['missing', 'rust']],
    ['tool-missing', '/bin/sh: 1: gcc-14: not found', ['missing', 'rust']],
    ['disk-full', 'cc1: error: No space left on device', []],
    ['memory-short', 'gcc: fatal error: Killed signal terminated program cc1', []],
    ['read-only', 'touch: x: Read-only file system', []],
  ])('explains %s (%s): %j', (kind, detail, expected) => {
    const failure: Failure = { kind, detail, code: 2 };
    const told = Object.entries({ older, missing, rust }).filter(
      ([, mismatch]) => withMismatch(failure, mismatch).kind === mismatch.kind,
    );
    expect(told.map(([name]) => name)).toEqual(expected);
    expect(withMismatch(failure, undefined)).toBe(failure);
  });
  it('is told first, with what helps against it, and the error of make after it', () => {
    const failure: Failure = { kind: 'compiler-failed', detail: 'demo.c:1:1: error: x', hint: 'newer-module', code: 2 };
    expect(withMismatch(failure, older)).toEqual({
      ...older,
      more: [{ problem: 'said', text: 'demo.c:1:1: error: x' }],
      code: 2,
    });
  });
});
