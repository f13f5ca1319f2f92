import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { killGroup } from '../child.ts';
import type { AddedSource, World, WorldOptions } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { disorder, identities } from './installed.ts';
import { exitOf, startProgram } from './start-program.ts';

/** What pacman, apt and rpm call, from the words of the hook to modules on a kernel. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const one = kernels.slice(0, 1);
const [older = '', newer = ''] = kernels.map((kernel) => kernel.release);
const newWorld = (options: WorldOptions = {}): World => disposableWorld({ kernels: one, ...options });

const confPath = ({ name, version }: AddedSource): string => `usr/src/${name}-${version}/dkms.conf`;
const imagePath = (release: string): string => `usr/lib/modules/${release}/vmlinuz`;
const headersPath = (release: string): string => `usr/lib/modules/${release}/build/include/`;

/** Remove what a kernel's packages own; what depmod and we put there is nobody's. */
const removePackages = (world: World, release: string): void => {
  for (const name of ['vmlinuz', 'kernel', 'modules.order', 'modules.builtin', 'modules.builtin.modinfo', 'build']) {
    rmSync(join(world.trees.installTree, release, name), { recursive: true, force: true });
  }
};

/** The summary's line about a module on a kernel. */
const row = (text: string, name: string, release = older): string =>
  text.split('\n').find((line) => /^ {2}\w/.test(line) && line.includes(` ${name}/`) && line.includes(release)) ?? '';

describe.skipIf(provision.kind === 'missing')('pacman hooks', () => {
  it('build what one transaction brought: a kernel, its headers and sources in the wrong order', async () => {
    const world = newWorld({ distribution: 'arch', withoutKernels: true });
    world.addKernel(older);
    const sources = ['alpha-top', 'mid-link', 'zeta-core'].map((fixture) => world.addSource(fixture));
    const paths = [...sources.map(confPath), headersPath(older), imagePath(older)];
    const ended = await world.hook(['pacman', 'install'], paths);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(world.installedObjects(older)).toEqual(['alpha_top', 'mid_link', 'zeta_core']);
    expect(disorder(world)).toEqual([]);
    const again = await world.hook(['pacman', 'install'], paths);
    expect(again.stdout).toBe('kmodsort: nothing to do: 3 modules on 1 kernel up to date\n');
  });

  it('fail a bootable kernel without headers, say what to install, and build when the headers come', async () => {
    const world = newWorld({ distribution: 'arch', withoutKernels: true });
    world.addKernel(older, { headers: false });
    const source = world.addSource('lonely');
    const first = await world.hook(['pacman', 'install'], [confPath(source), imagePath(older)]);
    expect(first.code).toBe(1);
    expect(row(first.stdout, 'lonely')).toMatch(/^ {2}FAILED .* kernel headers for \S+ not found: /);
    expect(first.stdout).toContain(`install the package with the headers of ${older}`);
    expect(first.stdout).toContain(`modules are missing on ${older}: lonely`);
    world.addHeaders(older);
    const second = await world.hook(['pacman', 'install'], [headersPath(older)]);
    expect(second.code).toBe(0);
    expect(world.installedObjects(older)).toEqual(['lonely']);
  });

  it('drop a source that leaves, from every kernel, and leave the others alone', async () => {
    const world = newWorld({ distribution: 'arch', kernels });
    const leaving = world.addModule('lonely');
    world.addModule('replacer');
    await world.hook(['pacman', 'install']);
    const before = identities(world, older).intree_demo;
    const ended = await world.hook(['pacman', 'remove'], [confPath(leaving)]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    for (const release of [older, newer]) expect(world.installedObjects(release)).toEqual(['intree_demo']);
    expect(identities(world, older).intree_demo).toBe(before);
    expect(existsSync(join(world.trees.dkmsTree, 'lonely'))).toBe(false);
    expect(existsSync(leaving.directory)).toBe(true);
    expect(disorder(world)).toEqual([]);
    rmSync(leaving.directory, { recursive: true });
    const after = await world.hook(['pacman', 'install'], [confPath(leaving)]);
    expect(after.stdout).toContain('nothing to do: 1 module on 2 kernels');
  });

  it('drop the modules of a kernel that leaves, then clean up what nobody owns', async () => {
    const world = newWorld({ distribution: 'arch', kernels });
    world.addModule('lonely');
    await world.hook(['pacman', 'install']);
    const before = identities(world, newer);
    const leaving = await world.hook(['pacman', 'remove'], [imagePath(older)]);
    expect(leaving).toMatchObject({ code: 0, stderr: '' });
    expect(world.installedObjects(older)).toEqual([]);
    removePackages(world, older);
    expect(world.files(join(world.trees.installTree, older))).toContain('modules.dep');
    const gone = await world.hook(['pacman', 'install'], [imagePath(older), headersPath(older)]);
    expect(gone.code).toBe(0);
    expect(gone.stdout).toContain(`cleaned up after the removed kernel ${older}`);
    expect(existsSync(join(world.trees.installTree, older))).toBe(false);
    expect(world.files(world.trees.dkmsTree).filter((path) => path.includes(older))).toEqual([]);
    expect(identities(world, newer)).toEqual(before);
  });

  it('drop the modules of a kernel that is gone without an earlier word, and touch no file of others there', async () => {
    const world = newWorld({ distribution: 'arch', kernels });
    world.addModule('lonely');
    await world.hook(['pacman', 'install']);
    removePackages(world, older);
    const foreign = join(world.trees.installTree, older, 'extra', 'somebodys.ko');
    mkdirSync(join(foreign, '..'), { recursive: true });
    writeFileSync(foreign, 'not ours');
    const ended = await world.hook(['pacman', 'install'], [imagePath(older)]);
    expect(ended.code).toBe(0);
    expect(world.installedObjects(older)).toEqual(['somebodys']);
    expect(existsSync(foreign)).toBe(true);
  });

  it('find their own among 20,000 paths in no time', async () => {
    const world = newWorld({ distribution: 'arch' });
    const source = world.addSource('lonely');
    const others = Array.from({ length: 20_000 }, (_, index) => `usr/src/some-${index}/file-${index}.c`);
    const ended = await world.hook(['pacman', 'install', '--dry-run'], [...others, confPath(source)]);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^ *1\. .*lonely\/1\.0/m);
    expect(existsSync(world.trees.dkmsTree)).toBe(false);
  });

  it('leave alone what merely is not there, and say so', async () => {
    const world = newWorld({ distribution: 'arch' });
    const source = world.addModule('lonely');
    world.addModule('replacer');
    await world.hook(['pacman', 'install']);
    const before = identities(world, older);
    const aside = join(world.root, 'aside');
    renameSync(source.directory, aside);
    const ended = await world.hook(['pacman', 'install'], ['usr/src/other-1.0/dkms.conf']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('lonely/1.0 is broken and left as it is');
    expect(identities(world, older)).toEqual(before);
    renameSync(aside, source.directory);
    renameSync(world.trees.sourceTree, aside);
    mkdirSync(world.trees.sourceTree);
    await world.hook(['pacman', 'install']);
    expect(identities(world, older)).toEqual(before);
    expect(existsSync(join(world.trees.dkmsTree, 'lonely/1.0', older))).toBe(true);
    rmSync(world.trees.sourceTree, { recursive: true });
    renameSync(aside, world.trees.sourceTree);
    renameSync(world.trees.dkmsTree, aside);
    const treeless = await world.hook(['pacman', 'install']);
    expect(treeless.code).toBe(0);
    expect(identities(world, older)).toEqual(before);
  });

  it('go on without the rest of a stdin that never ends', async () => {
    const world = newWorld({ distribution: 'arch' });
    world.addModule('lonely');
    const child = startProgram(world, ['hook', 'run', 'pacman', 'install'], 'pipe');
    try {
      const ended = await exitOf(child);
      expect(ended.code).toBe(0);
      expect(ended.output).toContain('timed out reading stdin after 10 s');
      expect(world.installedObjects(older)).toEqual(['lonely']);
    } finally {
      killGroup(child);
    }
  });
});

describe.skipIf(provision.kind === 'missing')('apt hooks', () => {
  it('build for the kernel that is set up and for the newest one', async () => {
    const world = newWorld({ kernels });
    world.addModule('lonely');
    const ended = await world.hook(['apt', 'postinst', newer, `/boot/vmlinuz-${newer}`]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(world.installedObjects(newer)).toEqual(['lonely']);
    expect(world.installedObjects(older)).toEqual([]);
    await world.hook(['apt', 'postinst', older, `/boot/vmlinuz-${older}`]);
    expect(world.installedObjects(older)).toEqual(['lonely']);
    const leaving = await world.hook(['apt', 'prerm', older]);
    expect(leaving).toMatchObject({ code: 0, stderr: '' });
    expect(world.installedObjects(older)).toEqual([]);
    expect(world.installedObjects(newer)).toEqual(['lonely']);
    expect(existsSync(join(world.trees.dkmsTree, 'lonely/1.0/source'))).toBe(true);
    expect(disorder(world)).toEqual([]);
  });

  it('wait for headers in the middle of a transaction and miss them at its end', async () => {
    const world = newWorld({ withoutKernels: true });
    world.addKernel(older, { headers: false });
    world.addModule('lonely');
    const middle = await world.hook(['apt', 'postinst', older]);
    expect(middle.code).toBe(0);
    expect(row(middle.stdout, 'lonely')).toMatch(/^ {2}deferred .*no kernel headers yet/);
    expect(middle.stdout).not.toContain('FAILED');
    const end = await world.hook(['apt', 'trigger', '/usr/src']);
    expect(end.code).toBe(0);
    expect(row(end.stdout, 'lonely')).toMatch(/^ {2}FAILED .*kernel headers for/);
    expect(end.stdout).toContain(`install the package with the headers of ${older}`);
    world.addHeaders(older);
    const later = await world.hook(['apt', 'configure']);
    expect(later.code).toBe(0);
    expect(world.installedObjects(older)).toEqual(['lonely']);
  });

  it('remember a kernel that waits for headers, though it is neither the newest nor the running one', async () => {
    const world = newWorld({ kernels, withoutKernels: true });
    world.addKernel(older, { headers: false });
    world.addKernel(newer);
    world.addModule('lonely');
    const middle = await world.hook(['apt', 'postinst', older]);
    expect(row(middle.stdout, 'lonely')).toMatch(/^ {2}deferred /);
    await world.hook(['apt', 'trigger', '/usr/src']);
    expect((await world.kmodsort(['status'])).stdout).toContain(`kernel headers for ${older} not found`);
    expect(readFileSync(join(world.trees.stateDir, 'notice'), 'utf8')).toContain(`lonely/1.0 on ${older}: `);
    world.addHeaders(older);
    await world.hook(['apt', 'trigger', '/usr/src']);
    expect(world.installedObjects(older)).toEqual(['lonely']);
    expect(existsSync(join(world.trees.stateDir, 'notice'))).toBe(false);
  });

  it('take word of a required module back where they looked, and nowhere else', async () => {
    const world = newWorld({ kernels });
    const only = `ifneq ($(filter ${older},$(KERNELRELEASE)),)\n$(error not for this kernel)\nendif\n`;
    const { directory } = generate(world, 'picky', { makefile: `${only}obj-m := picky.o\n` });
    world.configure('required_modules="picky"\n');
    const notices = join(world.trees.stateDir, 'required');
    await world.hook(['apt', 'postinst', older]);
    expect(readdirSync(notices)).toEqual([older]);
    await world.hook(['apt', 'trigger', '/usr/src']);
    expect(world.installedObjects(newer)).toEqual(['picky']);
    expect(readdirSync(notices)).toEqual([older]);
    expect(readFileSync(join(notices, older), 'utf8')).toContain(`do not reboot into ${older}`);
    writeFileSync(join(directory, 'Makefile'), 'obj-m := picky.o\n');
    await world.hook(['apt', 'postinst', older]);
    expect(existsSync(notices) ? readdirSync(notices) : []).toEqual([]);
  });

  it.each([
    ['apt', 'trigger', '/usr/src'],
    ['apt', 'configure'],
    ['apt', 'postinst', older],
    ['apt', 'prerm', older],
    ['rpm', 'add', older],
    ['rpm', 'remove', older],
  ])('do not wait for a stdin that nobody closes: %s %s', async (...words) => {
    const world = newWorld();
    const child = startProgram(world, ['hook', 'run', ...words], 'pipe');
    try {
      const ended = await exitOf(child);
      expect(ended.code).toBe(0);
      expect(ended.seconds).toBeLessThan(5);
    } finally {
      killGroup(child);
    }
  });

  it('build nothing where the admin switched it off', async () => {
    const world = newWorld();
    world.addModule('lonely');
    writeFileSync(join(world.trees.confDir, 'no-autoinstall'), '');
    const ended = await world.hook(['apt', 'trigger']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('nothing to do');
    expect(world.installedObjects(older)).toEqual([]);
    expect(world.files(world.trees.dkmsTree)).toEqual(['lonely/1.0/source']);
  });
});

describe.skipIf(provision.kind === 'missing')('rpm hooks', () => {
  it('build on add, drop on remove, and take paths with a leading slash', async () => {
    const world = newWorld({ distribution: 'fedora', kernels });
    world.addModule('lonely');
    const added = await world.hook(['rpm', 'add', newer, '/boot/entry', '/boot/vmlinuz']);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(world.installedObjects(newer)).toEqual(['lonely']);
    const source = world.addSource('replacer');
    const paths = [`/${confPath(source)}`, `/lib/modules/${older}/vmlinuz`, '/usr/src/lonely-1.0/dkms.conf'];
    const brought = await world.hook(['rpm', 'files-in'], paths);
    expect(brought.code).toBe(0);
    for (const release of [older, newer]) expect(world.installedObjects(release)).toEqual(['intree_demo', 'lonely']);
    const leaving = await world.hook(['rpm', 'remove', older, '/boot/entry']);
    expect(leaving.code).toBe(0);
    expect(world.installedObjects(older)).toEqual([]);
    expect(world.installedObjects(newer)).toEqual(['intree_demo', 'lonely']);
  });

  it('delete nothing after files went away that nobody names', async () => {
    const world = newWorld({ distribution: 'fedora' });
    const source = world.addModule('lonely');
    await world.hook(['rpm', 'files-in']);
    const before = identities(world, older);
    rmSync(source.directory, { recursive: true });
    const ended = await world.hook(['rpm', 'files-out']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('lonely/1.0 is broken and left as it is');
    expect(identities(world, older)).toEqual(before);
  });
});

describe.skipIf(provision.kind === 'missing')('every hook, when modules fail', () => {
  let shared: Promise<World> | undefined;

  /** One compile error, remembered by the first run: what follows shows it again and builds nothing. */
  const failedWorld = (): Promise<World> => {
    shared ??= (async () => {
      const world = newWorld({ distribution: 'arch' });
      world.addModule('broken');
      world.addModule('needs-broken');
      await world.hook(['apt', 'trigger']);
      return world;
    })();
    return shared;
  };

  const table: readonly { words: string; stdin: readonly string[]; code: number; required: number }[] = [
    { words: 'hook run pacman install', stdin: [imagePath(older)], code: 1, required: 1 },
    { words: `hook run apt postinst ${older}`, stdin: [], code: 0, required: 0 },
    { words: 'hook run apt trigger', stdin: [], code: 0, required: 0 },
    { words: 'hook run apt configure', stdin: [], code: 0, required: 0 },
    { words: `hook run rpm add ${older}`, stdin: [], code: 0, required: 0 },
    { words: 'hook run rpm files-in', stdin: [`/${imagePath(older)}`], code: 0, required: 0 },
    { words: 'hook run rpm files-out', stdin: [], code: 0, required: 0 },
    { words: 'hook run', stdin: [], code: 1, required: 1 },
    { words: 'sync', stdin: [], code: 1, required: 1 },
  ];

  it.each(table)('$words end with $code', async ({ words, stdin, code }) => {
    const world = await failedWorld();
    world.configure('');
    const ended = await world.kmodsort(words.split(' '), { stdin: stdin.map((path) => `${path}\n`).join('') });
    expect(ended.code).toBe(code);
    expect(row(ended.stdout, 'broken')).toMatch(/^ {2}FAILED /);
    expect(row(ended.stdout, 'needs-broken')).toMatch(/^ {2}blocked .*broken failed/);
    expect(ended.stdout).toContain(`modules are missing on ${older}: broken, needs-broken`);
    expect(ended.stdout).not.toContain('do not reboot');
  });

  it.each(table)('$words end with $required when the module is required, and warn of the kernel', async (tested) => {
    const world = await failedWorld();
    world.configure('required_modules="broken"\n');
    const ended = await world.kmodsort(tested.words.split(' '), {
      stdin: tested.stdin.map((path) => `${path}\n`).join(''),
    });
    expect(ended.code).toBe(tested.required);
    expect(ended.stdout).toContain(`do not reboot into ${older}: required modules are missing: broken`);
  });

  it('counts a required module that nobody registered as failed', async () => {
    const world = newWorld({ distribution: 'arch' });
    world.configure('required_modules="zsf"\n');
    const ended = await world.hook(['pacman', 'install']);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('required modules are not in the dkms tree: zsf');
  });

  it('prints one document for programs on stdout, and what people read on stderr', async () => {
    const world = await failedWorld();
    world.configure('');
    const ended = await world.hook(['pacman', 'install', '--json'], [imagePath(older)]);
    expect(ended.code).toBe(1);
    const document: unknown = JSON.parse(ended.stdout);
    expect(document).toMatchObject({ version: 1, kind: 'summary' });
    expect(document).toHaveProperty(
      'rows',
      expect.arrayContaining([
        expect.objectContaining({
          module: { name: 'broken', version: '1.0' },
          outcome: expect.objectContaining({ kind: 'failed', remembered: true }),
        }),
        expect.objectContaining({
          module: { name: 'needs-broken', version: '1.0' },
          outcome: expect.objectContaining({ kind: 'blocked' }),
        }),
      ]),
    );
    expect(row(ended.stderr, 'broken')).toMatch(/^ {2}FAILED /);
  });

  it('is told afterwards by status and log', async () => {
    const world = await failedWorld();
    const failing = { name: 'broken', version: '1.0' };
    expect(await world.json(['status'])).toMatchObject({
      version: 1,
      kind: 'status',
      entries: expect.arrayContaining([
        expect.objectContaining({ module: failing, failure: expect.objectContaining({ kind: 'compiler-failed' }) }),
      ]),
    });
    const log = await world.kmodsort(['log', 'broken']);
    expect(log).toMatchObject({ code: 0, stderr: '' });
    expect(log.stdout).toMatch(/broken_mod\.c:7:\d+: error: .missing_answer. undeclared/);
    const nothing = await world.kmodsort(['log', 'needs-broken']);
    expect(nothing).toMatchObject({ code: 1, stdout: '' });
    expect(nothing.stderr).toContain('no failure recorded for needs-broken');
  });

  it.each([
    [['hook', 'run', 'pacman', 'upgrade']],
    [['hook', 'run', 'apt', 'postinst']],
    [['hook', 'run', 'apt', 'prerm', '../etc']],
    [['hook', 'run', 'rpm', 'files']],
    [['hook', 'run', 'dnf', 'add']],
  ])('is a mistake of who wrote it where the words are wrong: %s', async (words) => {
    const world = newWorld();
    const ended = await world.kmodsort(words);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^kmodsort: \S/);
  });
});
