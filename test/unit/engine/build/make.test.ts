import { describe, expect, it } from 'vitest';
import { makeLine } from '../../../../src/engine/build/make.ts';

const jobserver = 'make -j4 --jobserver-auth=3,4';

describe('the line that builds', () => {
  it.each([
    ['make', `${jobserver} KERNELRELEASE=6.1.0`],
    ['make -C /usr/src/linux modules', `${jobserver} KERNELRELEASE=6.1.0 -C /usr/src/linux modules`],
    ['make\tall', `${jobserver} KERNELRELEASE=6.1.0\tall`],
    ['make && make install', `${jobserver} KERNELRELEASE=6.1.0 && make install`],
  ])('joins the jobserver and learns the release where it starts with make: %j', (make, line) => {
    expect(makeLine(make, '6.1.0', jobserver)).toBe(line);
  });
  it.each(['makepkg', 'make-it.sh all', './configure && make', ' make', "'make' all", 'env make', 'cmake .'])(
    'is left alone where it starts with anything else: %j',
    (make) => {
      expect(makeLine(make, '6.1.0', jobserver, { LLVM: '1', KBUILD_EXTRA_SYMBOLS: '/x/Module.symvers' })).toBe(make);
    },
  );
  it.each([
    ['6.1.0-56_amd64+x.y~1', '6.1.0-56_amd64+x.y~1'],
    ['~6.1', "'~6.1'"],
    ['6.1.0-56-amd64', '6.1.0-56-amd64'],
    ['6 1', "'6 1'"],
    ["6'1", "'6'\\''1'"],
    ['$(id)', "'$(id)'"],
    ['a\nb', "'a\nb'"],
    ['', "''"],
  ])('quotes the release %j for the shell where it has to', (release, word) => {
    expect(makeLine('make', release, 'make')).toBe(`make KERNELRELEASE=${word}`);
  });
  it('keeps dollars of the jobserver as they are', () => {
    expect(makeLine('make all', '1', "make $& $1 $'")).toBe("make $& $1 $' KERNELRELEASE=1 all");
  });
  it('has the symbols of dependencies as one word', () => {
    expect(makeLine('make all', '6.1', 'make', { KBUILD_EXTRA_SYMBOLS: '/a/Module.symvers /b/Module.symvers' })).toBe(
      "make KERNELRELEASE=6.1 KBUILD_EXTRA_SYMBOLS='/a/Module.symvers /b/Module.symvers' all",
    );
    expect(makeLine('make all', '6.1', 'make', { KBUILD_EXTRA_SYMBOLS: '/a/Module.symvers' })).toBe(
      'make KERNELRELEASE=6.1 KBUILD_EXTRA_SYMBOLS=/a/Module.symvers all',
    );
  });
  it('asks for LLVM before what the command says itself', () => {
    const llvm = { LLVM: '-16', LLVM_IAS: '1' };
    expect(makeLine('make LLVM=1 && cp a b', '6.1', 'make', llvm)).toBe(
      'make KERNELRELEASE=6.1 LLVM=-16 LLVM_IAS=1 LLVM=1 && cp a b',
    );
    expect(makeLine('./build.sh', '6.1', 'make', llvm)).toBe('./build.sh');
  });
});
