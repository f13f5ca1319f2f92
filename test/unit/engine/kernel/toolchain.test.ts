import { describe, expect, it } from 'vitest';
import {
  builtWith,
  isOlder,
  linkedWith,
  llvmProgram,
  llvmVariables,
  rustVersion,
  rustVersionIn,
  versionIn,
} from '../../../../src/engine/kernel/toolchain.ts';

const config = (...lines: readonly string[]): ReadonlyMap<string, string> =>
  new Map(lines.map((line) => [line.split('=')[0] ?? '', line.split('=')[1] ?? '']));

describe('what a kernel was built with', () => {
  it.each([
    [['CONFIG_GCC_VERSION=120200', 'CONFIG_CLANG_VERSION=0'], { tool: 'gcc', major: 12 }],
    [['CONFIG_GCC_VERSION=140201'], { tool: 'gcc', major: 14 }],
    [['CONFIG_CC_IS_CLANG=y', 'CONFIG_CLANG_VERSION=160006', 'CONFIG_GCC_VERSION=0'], { tool: 'clang', major: 16 }],
    [['CONFIG_CC_IS_CLANG=y'], undefined],
    [['CONFIG_GCC_VERSION=0'], undefined],
    [['CONFIG_GCC_VERSION=odd'], undefined],
    [[], undefined],
  ])('%j is %j', (lines, expected) => {
    expect(builtWith(config(...lines))).toEqual(expected);
  });
  it('is linked with LLVM where it says so', () => {
    expect(linkedWith(config('CONFIG_LD_IS_LLD=y', 'CONFIG_LLD_VERSION=160006'))).toEqual({ tool: 'lld', major: 16 });
    expect(linkedWith(config('CONFIG_LLD_VERSION=160006', 'CONFIG_LD_VERSION=24000'))).toBeUndefined();
  });
});

describe('what a program is', () => {
  it.each([
    ['gcc version 12.2.0 (Debian 12.2.0-14+deb12u1) #0123456789abcdef', { tool: 'gcc', major: 12 }],
    ['gcc version 14.2.1 20250207 (GCC) #01', { tool: 'gcc', major: 14 }],
    ['Debian clang version 14.0.6 #01', { tool: 'clang', major: 14 }],
    ['clang version 19.1.7 #01', { tool: 'clang', major: 19 }],
    ['Debian LLD 14.0.6 (compatible with GNU linkers) #01', { tool: 'lld', major: 14 }],
    ['GNU ld (GNU Binutils for Debian) 2.40 #01', undefined],
    ['', undefined],
  ])('%j is %j', (text, expected) => {
    expect(versionIn(text)).toEqual(expected);
  });
});

describe('isOlder', () => {
  const gcc = (major: number) => ({ tool: 'gcc', major }) as const;
  it.each([
    [gcc(12), gcc(14), true],
    [gcc(14), gcc(14), false],
    [gcc(15), gcc(14), false],
    [{ tool: 'clang', major: 12 } as const, gcc(14), false],
    [undefined, gcc(14), false],
    [gcc(12), undefined, false],
  ])('%j, where %j is wanted: %s', (found, wanted, expected) => {
    expect(isOlder(found, wanted)).toBe(expected);
  });
});

describe('the Rust of a kernel', () => {
  it.each([
    [['CONFIG_RUST=y', 'CONFIG_RUSTC_VERSION=107800'], '1.78.0'],
    [['CONFIG_RUST=y', 'CONFIG_RUSTC_VERSION=108501'], '1.85.1'],
    [['CONFIG_RUST=y', 'CONFIG_RUSTC_VERSION_TEXT=rustc 1.71.1 (eb26296b5 2023-08-03)'], '1.71.1'],
    [['CONFIG_RUSTC_VERSION=107800'], undefined],
    [['CONFIG_RUST=y'], undefined],
  ])('%j is %s', (lines, expected) => {
    expect(rustVersion(config(...lines))).toBe(expected);
  });
  it('is what rustc says of itself', () => {
    expect(rustVersionIn('rustc 1.63.0 (4b91a6ea7 2022-08-08) (built from a source tarball)\n')).toBe('1.63.0');
    expect(rustVersionIn('cargo 1.63.0\n')).toBeUndefined();
  });
});

describe('what kbuild is told of clang', () => {
  it.each([
    [['CONFIG_CC_IS_CLANG=y'], '1', { LLVM: '1' }],
    [['CONFIG_CC_IS_CLANG=y', 'CONFIG_AS_IS_LLVM=y'], '-16', { LLVM: '-16', LLVM_IAS: '1' }],
    [['CONFIG_CC_IS_CLANG=y', 'CONFIG_AS_IS_GNU=y'], '1', { LLVM: '1', LLVM_IAS: '0' }],
    [['CONFIG_CC_IS_CLANG=y', 'CONFIG_LD_IS_BFD=y'], undefined, { CC: 'clang' }],
    [['CONFIG_CC_IS_GCC=y', 'CONFIG_AS_IS_GNU=y'], undefined, {}],
  ])('%j with %s: %j', (lines, llvm, expected) => {
    expect(llvmVariables({ config: config(...lines), ...(llvm ? { llvm } : {}) })).toEqual(expected);
  });
  it('names its programs by their version where that is wanted', () => {
    expect(llvmProgram('llvm-strip', { llvm: '-16' })).toBe('llvm-strip-16');
    expect(llvmProgram('llvm-strip', { llvm: '1' })).toBe('llvm-strip');
    expect(llvmProgram('clang', {})).toBe('clang');
  });
});
