import { mkdirSync, mkdtempSync } from 'node:fs';
import { release as running } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import { kernelHere, passedOverBy, passedOverKernels } from '../../../../src/engine/plan/kernel-choice.ts';
import type { Settings } from '../../../../src/engine/settings.ts';
import * as chroots from '../../../../src/engine/system/chroot.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

/** Trees with bootable kernels, others that are headers alone, and settings. */
const world = async (
  bootable: readonly string[],
  headers: readonly string[] = [],
  framework = '',
): Promise<Settings> => {
  const base = mkdtempSync(join(root, 'world-'));
  const installTree = join(base, 'modules');
  mkdirSync(installTree);
  for (const release of bootable) put(join(installTree, release, 'vmlinuz'));
  for (const release of headers) mkdirSync(join(installTree, release, 'build'), { recursive: true });
  put(join(base, 'etc/framework.conf'), framework);
  const osRelease = put(join(base, 'os-release'), 'ID=debian\n');
  return readSettings({ installTree, osRelease, confDir: join(base, 'etc') }, {}, 1);
};

describe('kernels that are passed over', () => {
  it.each([
    [[], [], '6.1.0-13-amd64', undefined],
    [['6.1.*'], [], '6.1.0-13-amd64', undefined],
    [['5.*', '6.1.*'], [], '6.1.0-13-amd64', undefined],
    [['6.1.*'], [], '6.12.0-1-amd64', 'kernels'],
    [[], ['*-rt-*'], '6.1.0-13-rt-amd64', 'skip_kernels'],
    [[], ['*-rt-*'], '6.1.0-13-amd64', undefined],
    [['6.1.*'], ['*-rt-*'], '6.1.0-13-rt-amd64', 'skip_kernels'],
    [['6.1.*'], ['*-rt-*'], '5.10.0-rt-amd64', 'skip_kernels'],
  ])('kernels=%j skip_kernels=%j: %s by %s', (kernels, skipKernels, release, expected) => {
    expect(passedOverBy({ kernels, skipKernels }, release)).toBe(expected);
  });
  it('are those of the installed ones, the newest first', async () => {
    const settings = await world(
      ['6.1.0-9', '6.1.0-10-rt', '6.12.0-1'],
      ['6.1.0-11-rt'],
      'kernels="6.1.*"\nskip_kernels="*-rt"\n',
    );
    expect(passedOverKernels(settings)).toEqual([
      { release: '6.12.0-1', setting: 'kernels' },
      { release: '6.1.0-10-rt', setting: 'skip_kernels' },
    ]);
    expect(passedOverKernels(await world(['6.1.0-9']))).toEqual([]);
  });
});

describe('the kernel of a command that names none', () => {
  const inChroot = (is: boolean) => vi.spyOn(chroots, 'isInChroot').mockReturnValue(is);
  afterEach(() => vi.restoreAllMocks());

  it('is the one that runs', async () => {
    inChroot(false);
    expect(kernelHere(await world([running(), '999.1']))).toBe(running());
  });
  it('is the newest in a chroot, where the one that runs is of the host', async () => {
    inChroot(true);
    expect(kernelHere(await world([running(), '999.1']))).toBe('999.1');
  });
  it('is the newest where the one that runs is not installed', async () => {
    inChroot(false);
    expect(kernelHere(await world(['6.1.0-9', '6.1.0-10'], ['999.1']))).toBe('6.1.0-10');
  });
  it('is the newest of those that are looked after', async () => {
    inChroot(false);
    expect(kernelHere(await world(['6.1.0-9', '6.1.0-10'], [], 'skip_kernels="*-10"\n'))).toBe('6.1.0-9');
  });
  it('is the newest with headers where none can be booted', async () => {
    inChroot(false);
    expect(kernelHere(await world([], ['6.1.0-9', '6.1.0-10']))).toBe('6.1.0-10');
  });
  it('is the one that runs where there is no other', async () => {
    inChroot(false);
    expect(kernelHere(await world([]))).toBe(running());
  });
});
