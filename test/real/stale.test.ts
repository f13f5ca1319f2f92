import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import { makeWorld, type World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { disorder, identities, installedFile, installedFiles, replacedSince } from './installed.ts';
import { withoutVersions } from './without-versions.ts';

/** What is built again, and what is not, after something changed. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const trigger = ['apt', 'trigger'];

const edit = (path: string, change: (text: string) => string): void => {
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing was changed in ${path}`);
  writeFileSync(path, after);
};

const row = (text: string, name: string): string =>
  text.split('\n').find((line) => /^ {2}\w/.test(line) && line.includes(` ${name}/`)) ?? '';

const started = (text: string): string[] =>
  [...text.matchAll(/^kmodsort: ([^/\s]+)\/\S+, \S+: building \((.*)\)$/gm)]
    .map(([, name, why]) => `${name}: ${why}`)
    .sort();

describe.skipIf(provision.kind === 'missing')('a chain of three and two loners', () => {
  let world: World;
  let before: Readonly<Record<string, string>>;
  const source = (...path: string[]): string => join(world.trees.sourceTree, ...path);

  beforeAll(() => {
    world = makeWorld({ kernels });
    for (const fixture of ['zeta-core', 'mid-link', 'alpha-top', 'lonely', 'twice']) world.addModule(fixture);
    // Headers that a test may change.
    const build = join(world.trees.installTree, release, 'build');
    const copy = join(world.root, 'headers');
    cpSync(kernels[0]?.headers ?? '', copy, { recursive: true });
    rmSync(build);
    symlinkSync(copy, build);
  });

  beforeEach(async () => {
    const ended = await world.hook(trigger);
    expect(ended.code).toBe(0);
    before = identities(world, release);
    expect(Object.keys(before).sort()).toEqual(['alpha_top', 'lonely', 'mid_link', 'twice_a', 'twice_b', 'zeta_core']);
  });

  afterAll(() => world?.dispose());

  it('leaves everything alone when nothing changed', async () => {
    const ended = await world.hook(trigger);
    expect(ended.stdout).toBe('kmodsort: nothing to do: 5 modules on 1 kernel up to date\n');
    expect(replacedSince(world, release, before)).toEqual([]);
  });

  it('leaves everything alone where a wrapper of the compiler comes first on PATH', async () => {
    const bin = join(world.root, 'wrappers');
    mkdirSync(bin, { recursive: true });
    for (const name of ['gcc', 'gcc-12', 'gcc-14'])
      writeFileSync(join(bin, name), `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` };
    expect((await world.hook(trigger, [], { env })).stdout).toContain('nothing to do');
    expect(replacedSince(world, release, before)).toEqual([]);
  });

  it('builds only the module whose source changed', async () => {
    edit(source('lonely-1.0/lonely.c'), (text) => text.replace('loaded', 'loaded again'));
    const ended = await world.hook(trigger);
    expect(started(ended.stdout)).toEqual(['lonely: changed: sources']);
    expect(replacedSince(world, release, before)).toEqual(['lonely']);
    expect(readFileSync(installedFile(world, release, 'lonely')).includes('loaded again')).toBe(true);
  });

  it('keeps the dependents when only the body of an exported function changed', async () => {
    edit(source('zeta-core-1.0/zeta_core.c'), (text) => text.replace('return atomic_read(&count);', 'return 7;'));
    const ended = await world.hook(trigger);
    expect(started(ended.stdout).filter((line) => line.startsWith('zeta'))).toEqual(['zeta-core: changed: sources']);
    expect(replacedSince(world, release, before)).toEqual(['zeta_core']);
  });

  it('keeps the dependents when a symbol changed that they do not use', async () => {
    const spare =
      'long zeta_spare(int a);\nlong zeta_spare(int a)\n{\n\treturn a;\n}\nEXPORT_SYMBOL_GPL(zeta_spare);\n';
    const path = source('zeta-core-1.0/zeta_core.c');
    edit(path, (text) => text.replace('static int __init', `${spare}\nstatic int __init`));
    await world.hook(trigger);
    expect(replacedSince(world, release, before)).toEqual(['zeta_core']);
    const between = identities(world, release);
    edit(path, (text) => text.replaceAll('zeta_spare(int a)', 'zeta_spare(long a)'));
    await world.hook(trigger);
    expect(replacedSince(world, release, between)).toEqual(['zeta_core']);
  });

  it('builds all dependents when a symbol that they use got another signature', async () => {
    for (const file of ['zeta_core.c', 'zeta.h']) {
      edit(source('zeta-core-1.0', file), (text) => text.replace('zeta_add(int amount)', 'zeta_add(long amount)'));
    }
    const ended = await world.hook(trigger);
    expect(ended.code).toBe(0);
    expect(replacedSince(world, release, before)).toEqual(['alpha_top', 'mid_link', 'zeta_core']);
    const provided = run('modprobe', ['--show-exports', installedFile(world, release, 'zeta_core')]);
    const [, crc = 'none'] = /^(0x[0-9a-f]+)\s+zeta_add$/m.exec(provided) ?? [];
    for (const object of ['mid_link', 'alpha_top']) {
      const wanted = run('modprobe', ['--dump-modversions', installedFile(world, release, object)]);
      expect(wanted).toMatch(new RegExp(`^${crc}\\s+zeta_add$`, 'm'));
    }
  });

  it('builds only the dependent that uses a symbol whose signature changed', async () => {
    edit(source('mid-link-1.0/module/mid_link.c'), (text) =>
      text.replace('int mid_step(void)\n{', 'int mid_step(void)\n{\n\tzeta_add(0);'),
    );
    await world.hook(trigger);
    expect(replacedSince(world, release, before)).toEqual(['mid_link']);
  });

  it('builds again when an override or a local patch appears and when it goes', async () => {
    const override = join(world.trees.confDir, 'lonely.conf');
    writeFileSync(override, 'PATCH[0]="shout.patch"\n');
    const patches = join(world.trees.confDir, 'lonely', 'patches');
    mkdirSync(patches, { recursive: true });
    writeFileSync(
      join(patches, 'shout.patch'),
      '--- a/lonely.c\n+++ b/lonely.c\n@@ -19,2 +19,2 @@\n MODULE_LICENSE("GPL");\n-MODULE_DESCRIPTION("Needs nothing and nobody");\n+MODULE_DESCRIPTION("NEEDS NOTHING");\n',
    );
    const ended = await world.hook(trigger);
    expect(started(ended.stdout)).toEqual(['lonely: changed: conf']);
    expect(replacedSince(world, release, before)).toEqual(['lonely']);
    expect(readFileSync(installedFile(world, release, 'lonely')).includes('NEEDS NOTHING')).toBe(true);
    rmSync(override);
    rmSync(join(world.trees.confDir, 'lonely'), { recursive: true });
    await world.hook(trigger);
    expect(readFileSync(installedFile(world, release, 'lonely')).includes('NEEDS NOTHING')).toBe(false);
  });

  it.each([
    ['is gone', (path: string) => rmSync(path)],
    ['is damaged', (path: string) => appendFileSync(path, 'x')],
    ['has other bytes of the same number', (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size))],
  ])('puts an installed file back that %s, without a new build', async (_how, harm) => {
    const built = join(world.trees.dkmsTree, 'lonely/1.0', release, 'x86_64/log/make.log');
    const buildOf = (): number => statSync(built).mtimeMs;
    const last = buildOf();
    const path = installedFile(world, release, 'lonely');
    harm(path);
    const ended = await world.hook(trigger);
    expect(row(ended.stdout, 'lonely')).toMatch(/^ {2}installed /);
    expect(replacedSince(world, release, before)).toEqual(['lonely']);
    expect(disorder(world)).toEqual([]);
    expect(buildOf()).toBe(last);
  });

  it('builds again when a built object is lost that is not installed either', async () => {
    rmSync(join(world.trees.dkmsTree, 'lonely/1.0', release, 'x86_64/module'), { recursive: true });
    rmSync(installedFile(world, release, 'lonely'));
    await world.hook(trigger);
    expect(disorder(world)).toEqual([]);
    expect(replacedSince(world, release, before)).toEqual(['lonely']);
  });

  it('takes away the files of an older version that the new one does not have', async () => {
    const isOfTwice = (path: string): boolean => path.includes('twice_');
    const files = installedFiles(world, release).filter(isOfTwice);
    expect(files).toHaveLength(2);
    world.addModule('twice', {
      version: '1.1',
      edit: (directory) =>
        edit(join(directory, 'dkms.conf'), (text) => text.replace(/^.*\[1\].*\n/gm, '').replace(/; make .*"$/m, '"')),
    });
    const ended = await world.hook(trigger);
    expect(started(ended.stdout)).toEqual(['twice: 1.0 is installed']);
    expect(installedFiles(world, release).filter(isOfTwice)).toEqual(files.filter((path) => path.includes('twice_a')));
    expect(disorder(world)).toEqual([]);
    expect(replacedSince(world, release, before)).toEqual(['twice_a']);
    // For the tests around this one: back to the version that they know.
    rmSync(join(world.trees.dkmsTree, 'twice/1.1/source'));
    rmSync(source('twice-1.1'), { recursive: true });
    rmSync(join(world.trees.dkmsTree, 'twice'), { recursive: true });
    for (const path of installedFiles(world, release).filter(isOfTwice)) rmSync(path);
    world.register('twice', '1.0');
  });

  it('builds everything again when the symbols of the kernel changed', async () => {
    appendFileSync(
      join(world.root, 'headers', 'Module.symvers'),
      '0x12345678\tkmodsort_test\tvmlinux\tEXPORT_SYMBOL\t\n',
    );
    const ended = await world.hook(trigger);
    expect(ended.code).toBe(0);
    expect(replacedSince(world, release, before)).toEqual(Object.keys(before).sort());
    expect(started(ended.stdout)).toContain('lonely: changed: headers');
  });
});

describe.skipIf(provision.kind === 'missing')('a build that failed', () => {
  const newWorld = (): World => disposableWorld({ kernels });

  it('is shown again by hooks but not tried, tried by a command that names it, and built with its dependents when repaired', async () => {
    const world = newWorld();
    const { directory } = world.addModule('broken');
    world.addModule('needs-broken');
    const first = await world.hook(trigger);
    expect(started(first.stdout)).toEqual(['broken: not built yet']);
    const second = await world.hook(trigger);
    expect(started(second.stdout)).toEqual([]);
    expect(row(second.stdout, 'broken')).toMatch(/^ {2}FAILED .*in an earlier run; nothing has changed since/);
    expect(second.stdout).toMatch(/broken_mod\.c:7:\d+: error: /);
    expect(row(second.stdout, 'needs-broken')).toMatch(/^ {2}blocked /);
    const named = await world.dkms(['install', 'broken/1.0', '-k', release, '--verbose']);
    expect([named.code, named.stdout.includes('in an earlier run')]).toEqual([10, false]);
    edit(join(directory, 'broken_mod.c'), (text) => text.replace('missing_answer', '42'));
    const repaired = await world.hook(trigger);
    expect(repaired.code).toBe(0);
    expect(world.installedObjects(release)).toEqual(['broken_mod', 'needs_broken']);
    expect(disorder(world)).toEqual([]);
    expect(JSON.stringify(await world.json(['status']))).not.toContain('compiler-failed');
  });

  it('is tried again by the next hook when it was only the disk that was full', async () => {
    const world = newWorld();
    const target = join(world.root, 'target');
    symlinkSync('/dev/full', target);
    world.addModule('lonely', {
      edit: (directory) => {
        symlinkSync(target, join(directory, 'table.h'));
        const rule =
          '$(obj)/lonely.o: $(obj)/table.filled\n$(obj)/table.filled:\n\tcat $(src)/Makefile > $(src)/table.h\n\ttouch $@\n';
        writeFileSync(join(directory, 'Makefile'), `obj-m := lonely.o\n${rule}`);
      },
    });
    const first = await world.hook(trigger);
    expect(row(first.stdout, 'lonely')).toMatch(/^ {2}FAILED .*no space left on device/);
    const second = await world.hook(trigger);
    expect(started(second.stdout)).toHaveLength(1);
    rmSync(target);
    writeFileSync(target, '');
    const third = await world.hook(trigger);
    expect(third.code).toBe(0);
    expect(world.installedObjects(release)).toEqual(['lonely']);
  });
});

describe.skipIf(provision.kind === 'missing')('a chain on a kernel without MODVERSIONS', () => {
  let world: World;
  let before: Readonly<Record<string, string>>;
  const [kernel] = kernels;
  const headers = (): string => join(world.trees.installTree, release, 'build');

  beforeAll(async () => {
    const place = mkdtempSync(join(tmpdir(), 'kmodsort-headers-'));
    world = makeWorld({ kernels: kernel ? [withoutVersions(kernel, place)] : [] });
    renameSync(join(place, 'headers'), join(world.root, 'headers'));
    rmSync(place, { recursive: true });
    rmSync(headers());
    symlinkSync(join(world.root, 'headers'), headers());
    for (const fixture of ['zeta-core', 'mid-link', 'lonely']) world.addModule(fixture);
  });

  beforeEach(async () => {
    expect((await world.hook(trigger)).code).toBe(0);
    before = identities(world, release);
    expect(Object.keys(before).sort()).toEqual(['lonely', 'mid_link', 'zeta_core']);
  });

  afterAll(() => world?.dispose());

  it('is left alone when nothing changed', async () => {
    expect((await world.hook(trigger)).stdout).toContain('nothing to do');
    expect(replacedSince(world, release, before)).toEqual([]);
  });

  it('builds the dependents too when a dependency became another one, whatever it exports', async () => {
    edit(join(world.trees.sourceTree, 'zeta-core-1.0/zeta_core.c'), (text) =>
      text.replace('return atomic_read(&count);', 'return 7;'),
    );
    expect((await world.hook(trigger)).code).toBe(0);
    expect(replacedSince(world, release, before)).toEqual(['mid_link', 'zeta_core']);
  });

  it('keeps the dependents when the same was built again', async () => {
    edit(join(world.trees.sourceTree, 'zeta-core-1.0/zeta_core.c'), (text) => `${text}\n/* The same code. */\n`);
    const ended = await world.hook(trigger);
    expect(started(ended.stdout)).toEqual(expect.arrayContaining(['zeta-core: changed: sources']));
    expect(replacedSince(world, release, before)).not.toContain('mid_link');
  });

  it('builds all of them when the headers of the same release were generated anew', async () => {
    edit(join(headers(), 'include/generated/autoconf.h'), (text) => `${text}\n#define CONFIG_OTHER 1\n`);
    const ended = await world.hook(trigger);
    expect(ended.stdout).toContain('building (changed: headers)');
    expect(replacedSince(world, release, before)).toEqual(['lonely', 'mid_link', 'zeta_core']);
  });
});
