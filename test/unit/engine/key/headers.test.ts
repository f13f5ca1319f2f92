import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestOf } from '../../../../src/engine/key/contents.ts';
import { areUntouched, headersContents, kbuildContents } from '../../../../src/engine/key/headers.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { factsOf } from '../conf/conf-world.ts';

const root = temporaryDirectory();
const state = mkdtempSync(join(root, 'state-'));

/** Headers as Debian lays them out: links into two other packages. */
const debianHeaders = (): string => {
  const top = mkdtempSync(join(root, 'debian-'));
  const common = join(top, 'common');
  put(join(common, 'Makefile'), 'kbuild');
  put(join(common, 'include/linux/fs.h'), 'struct file;');
  put(join(common, 'arch/x86/include/asm/page.h'), 'x86');
  put(join(common, 'arch/arm/include/asm/page.h'), 'arm');
  put(join(common, 'README'), 'text');
  put(join(top, 'kbuild/scripts/mod/modpost'), 'program');
  put(join(top, 'kbuild/tools/objtool/objtool'), 'program');
  const own = join(top, 'own');
  put(join(own, 'Makefile'), `include ${common}/Makefile\n`);
  put(join(own, 'Module.symvers'), '0x1\tx\tvmlinux\tEXPORT_SYMBOL\t\n');
  put(join(own, 'include/config/auto.conf'), 'CONFIG_A=y');
  put(join(own, 'include/config/A'), '');
  put(join(own, 'arch/x86/include/generated/asm/x.h'), 'x');
  symlinkSync('../kbuild/scripts', join(own, 'scripts'));
  symlinkSync('../kbuild/tools', join(own, 'tools'));
  return top;
};

const hashOf = (top: string): string =>
  headersContents({ stateDir: state, writes: true }, factsOf('6.1', { headers: join(top, 'own') })).hashWithout([]);

const kbuildOf = (top: string): string =>
  kbuildContents({ stateDir: state, writes: true }, factsOf('6.1', { headers: join(top, 'own') })).hashWithout([]);

const pathsOf = (top: string): string[] => [...(manifestOf(state, hashOf(top)) ?? [])].map(([path]) => path);

describe('what a build takes from headers', () => {
  it('is all that is compiled, links followed, and no markers', () => {
    expect(pathsOf(debianHeaders())).toEqual([
      'Makefile',
      'Module.symvers',
      'include/config/auto.conf',
      'arch/x86/include/generated/asm/x.h',
      'source/Makefile',
      'source/include/linux/fs.h',
      'source/arch/x86/include/asm/page.h',
    ]);
  });
  it('has all that kbuild runs in a list of its own', () => {
    const top = debianHeaders();
    for (const file of ['own/arch/x86/scripts/a.sh', 'kbuild/tools/bpf/resolve_btfids/resolve_btfids'])
      put(join(top, file), 'program');
    put(join(top, 'kbuild/tools/other'), 'program');
    expect([...(manifestOf(state, kbuildOf(top)) ?? [])].map(([path]) => path)).toEqual([
      'kbuild: scripts/mod/modpost',
      'kbuild: tools/objtool/objtool',
      'kbuild: tools/bpf/resolve_btfids/resolve_btfids',
      'kbuild: arch/x86/scripts/a.sh',
    ]);
  });
  it('follows two links to the same directory, and takes files in the order of their names', () => {
    const top = debianHeaders();
    put(join(top, 'elsewhere/b.h'), 'b');
    put(join(top, 'elsewhere/a.h'), 'a');
    for (const name of ['one', 'two']) symlinkSync('../../elsewhere', join(top, 'common/include', name));
    expect(pathsOf(top).filter((path) => /include\/(one|two)/.test(path))).toEqual([
      'source/include/one/a.h',
      'source/include/one/b.h',
      'source/include/two/a.h',
      'source/include/two/b.h',
    ]);
  });
  it('knows markers by where they are', () => {
    const top = debianHeaders();
    put(join(top, 'own/include/config/kernel.release'), '6.1');
    put(join(top, 'own/include/config/LONG_NAME'), '');
    put(join(top, 'common/include/linux/include/config/x.h'), 'x');
    expect(pathsOf(top)).toEqual(
      expect.arrayContaining(['include/config/kernel.release', 'source/include/linux/include/config/x.h']),
    );
    expect(pathsOf(top)).not.toContain('include/config/LONG_NAME');
  });
  it.each([
    'common/include/linux/fs.h',
    'common/arch/x86/include/asm/page.h',
    'own/Module.symvers',
    'own/include/config/auto.conf',
    'own/.kernelvariables',
    'own/vmlinux',
  ])('minds %s', (file) => {
    const top = debianHeaders();
    const before = hashOf(top);
    put(join(top, file), 'changed');
    expect(hashOf(top)).not.toBe(before);
  });
  it.each(['kbuild/scripts/mod/modpost', 'kbuild/tools/objtool/objtool'])('tells what is run apart: %s', (file) => {
    const top = debianHeaders();
    const [headers, kbuild] = [hashOf(top), kbuildOf(top)];
    put(join(top, file), 'changed');
    expect(hashOf(top)).toBe(headers);
    expect(kbuildOf(top)).not.toBe(kbuild);
  });
  it.each(['own/include/config/B', 'common/arch/arm/include/asm/page.h', 'common/README', 'own/README'])(
    'does not mind %s',
    (file) => {
      const top = debianHeaders();
      const before = hashOf(top);
      put(join(top, file), 'changed');
      expect(hashOf(top)).toBe(before);
    },
  );
  it('finds the source by the link beside the headers, as openSUSE lays it', () => {
    const directory = mkdtempSync(join(root, 'modules-'));
    put(join(directory, 'obj/Module.symvers'), 's');
    put(join(directory, 'src/include/linux/fs.h'), 'f');
    symlinkSync('obj', join(directory, 'build'));
    symlinkSync('src', join(directory, 'source'));
    const facts = factsOf('6.1', { directory, headers: join(directory, 'build') });
    const manifest = manifestOf(state, headersContents({ stateDir: state, writes: true }, facts).hashWithout([]));
    expect([...(manifest ?? [])].map(([path]) => path)).toEqual(['Module.symvers', 'source/include/linux/fs.h']);
  });
  it('takes headers that are their own source once', () => {
    const directory = mkdtempSync(join(root, 'modules-'));
    put(join(directory, 'build/include/linux/fs.h'), 'f');
    symlinkSync('build', join(directory, 'source'));
    const facts = factsOf('6.1', { directory, headers: join(directory, 'build') });
    expect([
      ...(manifestOf(state, headersContents({ stateDir: state, writes: true }, facts).hashWithout([])) ?? []),
    ]).toHaveLength(1);
  });
  it('comes to an end where links lead in a circle, or to nothing', () => {
    const top = debianHeaders();
    symlinkSync('..', join(top, 'common/include/loop'));
    symlinkSync('nowhere', join(top, 'common/include/broken.h'));
    symlinkSync('self', join(top, 'common/include/self'));
    expect(hashOf(top)).toMatch(/^[0-9a-f]{64}$/);
    const paths = pathsOf(top);
    expect(paths).toContain('source/include/broken.h');
    // Once on the way out of the circle, and no more.
    expect(paths.filter((path) => path.endsWith('linux/fs.h'))).toEqual([
      'source/include/linux/fs.h',
      'source/include/loop/include/linux/fs.h',
    ]);
  });
  it('is nothing where there are no headers', () => {
    const { headers: _headers, ...without } = factsOf();
    expect(headersContents({ stateDir: state, writes: true }, without).hashWithout([])).toBe('');
    const top = debianHeaders();
    rmSync(join(top, 'own'), { recursive: true });
    mkdirSync(join(top, 'other'));
    expect(hashOf(top)).toBe('');
  });
});

describe('whether headers were touched', () => {
  const processes = makeProcesses({ PATH: process.env.PATH });
  const isUntouched = (top: string, since: number): Promise<boolean> =>
    areUntouched(processes, factsOf('6.1', { headers: join(top, 'own') }), since);
  const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

  it.each<[string, (top: string) => void]>([
    ['written', (at) => put(join(at, 'own/include/config/auto.conf'), 'CONFIG_A=y')],
    ['written where a link leads', (at) => put(join(at, 'kbuild/scripts/mod/modpost'), 'another')],
    ['written in what they are part of', (at) => put(join(at, 'common/include/linux/fs.h'), 'struct inode;')],
    ['added', (at) => put(join(at, 'common/include/linux/new.h'), '')],
    ['removed', (at) => rmSync(join(at, 'own/include/config/A'))],
  ])('is seen of a file that was %s', async (_title, change) => {
    const top = debianHeaders();
    await later();
    const since = Date.now();
    expect(await isUntouched(top, since)).toBe(true);
    change(top);
    expect(await isUntouched(top, since)).toBe(false);
  });
  it('is not where nothing was, nor where there is nothing to look at', async () => {
    const top = debianHeaders();
    await later();
    const since = Date.now();
    put(join(top, 'common/README'), 'not a part of it');
    expect(await isUntouched(top, since)).toBe(true);
    expect(await isUntouched(join(top, 'nowhere'), since)).toBe(false);
  });
});
