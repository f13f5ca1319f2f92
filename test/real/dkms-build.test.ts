import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { World, WorldOptions } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, put, refused, saidBy, statusLines } from './dkms-session.ts';
import { type Generated, generate } from './generated-source.ts';

/** `dkms build`: what it does, what it leaves, and how it fails. */

const provision = inject('provision');
const missing = provision.kind === 'missing';
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [older = '', newer = ''] = kernels.map((kernel) => kernel.release);
const [olderHeaders = '', newerHeaders = ''] = kernels.map((kernel) => kernel.headers);
const arch = 'x86_64';
const newWorld = (options: WorldOptions = {}): World => disposableWorld({ kernels: kernels.slice(0, 1), ...options });

/** A module that is registered, with scripts beside its source. */
const withScripts = (
  world: World,
  name: string,
  scripts: Readonly<Record<string, string>>,
  options: Generated = {},
): string => {
  const { directory } = generate(world, name, options);
  for (const [file, text] of Object.entries(scripts)) put(join(directory, file), `#!/bin/sh\n${text}\n`, 0o755);
  return directory;
};

const logOf = (world: World, name: string): string =>
  readFileSync(join(world.trees.dkmsTree, name, '1.0', 'build', 'make.log'), 'utf8').replaceAll(world.root, '');

describe.skipIf(missing)('dkms build', () => {
  let world: World;

  beforeAll(() => {
    world = newWorld({ kernels });
    // Headers alone, without a kernel.
    rmSync(join(world.trees.installTree, newer), { recursive: true });
    mkdirSync(join(world.trees.installTree, newer));
    world.addHeaders(newer);
    generate(world, 'tool', { unregistered: true });
  });

  it('adds the module first, and builds it with --all for every kernel that has headers', async () => {
    const said = await done(world, ['build', '-m', 'tool', '-v', '1.0', '--all']);
    expect(said).toContain('kmodsort: tool/1.0 added\n');
    expect(await statusLines(world)).toEqual([
      `tool/1.0, ${older}, ${arch}: built`,
      `tool/1.0, ${newer}, ${arch}: built`,
    ]);
    expect(world.installedObjects(older)).toEqual([]);
  });

  it('leaves objects, symbols and a log where dkms has them, and no build directory', () => {
    expect(world.files(join(world.trees.dkmsTree, 'tool')).filter((path) => !path.includes(newer))).toEqual([
      `1.0/${older}/${arch}/log/make.log`,
      `1.0/${older}/${arch}/module/Module.symvers`,
      `1.0/${older}/${arch}/module/tool.ko`,
      '1.0/source',
    ]);
    expect(existsSync(join(world.trees.dkmsTree, 'tool', '1.0', 'build'))).toBe(false);
  });

  it('writes a log with tool, module and kernel, then title, command, output, code and time of each step', () => {
    const log = readFileSync(join(world.trees.dkmsTree, 'tool', '1.0', older, arch, 'log', 'make.log'), 'utf8');
    const [first, date, ...rest] = log.split('\n');
    expect(first).toBe(`kmodsort make.log for tool/1.0 for kernel ${older} (${arch})`);
    expect(Number.isNaN(Date.parse(date ?? ''))).toBe(false);
    expect(rest.join('\n')).toMatch(
      /\n\nBuilding the module\n# command: .*make KERNELRELEASE=\S+ .*\n(.*\n)+\n# exit code: 0\n# elapsed time: 00:\d\d:\d\d\n-{64}\n/,
    );
  });

  it('says that it is built already, ends with 0 and builds nothing', async () => {
    const object = join(world.trees.dkmsTree, 'tool', '1.0', older, arch, 'module', 'tool.ko');
    const before = statSync(object).ino;
    expect(await done(world, ['build', 'tool/1.0', '-k', older])).toBe(`kmodsort: tool/1.0, ${older}: already built\n`);
    expect(statSync(object).ino).toBe(before);
    await done(world, ['build', 'tool/1.0', '-k', `${older}/${arch}`, '--force']);
    expect(statSync(object).ino).not.toBe(before);
  });

  it('builds for several kernels that are named, with one -a for all of them', async () => {
    await done(world, ['unbuild', 'tool/1.0', '--all']);
    await done(world, ['build', 'tool/1.0', '-k', older, '-k', newer, '-a', arch]);
    expect(await statusLines(world)).toEqual([
      `tool/1.0, ${older}, ${arch}: built`,
      `tool/1.0, ${newer}, ${arch}: built`,
    ]);
  });

  it('tries every kernel, and the first failure is its code', async () => {
    withScripts(
      world,
      'picky',
      { 'pre.sh': `echo "$1" >> "${world.root}/tried"\n[ "$1" != ${older} ] || exit 33` },
      { conf: 'PRE_BUILD="pre.sh $kernelver"\nMAKE[0]="false"\n' },
    );
    expect((await world.dkms(['build', 'picky/1.0', '-k', older, '-k', newer])).code).toBe(33);
    expect((await world.dkms(['build', 'picky/1.0', '-k', newer, '-k', older])).code).toBe(10);
    expect((await world.dkms(['build', 'picky/1.0', '-k', '1.0-none', '-k', older])).code).toBe(21);
    expect((await world.dkms(['build', 'picky/1.0', '-k', older, '-k', '1.0-none'])).code).toBe(33);
    expect(readFileSync(join(world.root, 'tried'), 'utf8').trim().split('\n').sort()).toEqual(
      [older, older, older, older, newer, newer].sort(),
    );
  });

  it('builds against --kernelsourcedir where the kernel has no headers, also of another release', async () => {
    const bare = '6.0.0-bare';
    world.addKernel(bare, { headers: false });
    await done(world, ['build', 'tool/1.0', '-k', bare, '--kernelsourcedir', olderHeaders]);
    expect(await statusLines(world, ['tool/1.0', '-k', bare])).toEqual([`tool/1.0, ${bare}, ${arch}: built`]);
  });

  it('fails with 7 where the objects are for another kernel than the one that is named', async () => {
    const wrong = '6.0.0-wrong';
    world.addKernel(wrong, { headers: false });
    symlinkSync(newerHeaders, join(world.trees.installTree, wrong, 'build'));
    await refused(world, ['build', 'tool/1.0', '-k', wrong], 7, /built for another kernel: tool\.ko/);
  });
});

describe.skipIf(missing)('dkms build, where it fails,', () => {
  let world: World;

  beforeEach(() => {
    world = newWorld();
  });

  it('ends with 77 on a kernel that BUILD_EXCLUSIVE rules out, and names the rule', async () => {
    generate(world, 'ruled', { conf: 'BUILD_EXCLUSIVE_KERNEL="^2\\."\n' });
    await refused(
      world,
      ['build', 'ruled/1.0', '-k', older],
      77,
      /excluded on this kernel: BUILD_EXCLUSIVE_KERNEL=\^2\\\./,
    );
    await refused(world, ['install', 'ruled/1.0', '-k', older], 77, /excluded on this kernel/);
    generate(world, 'optional', { conf: 'BUILD_EXCLUSIVE_CONFIG="CONFIG_MODULES"\n' });
    put(join(world.root, 'kconfig'), 'CONFIG_NOTHING=y\n');
    const words = ['build', 'optional/1.0', '-k', older, '--config', 'kconfig'];
    await refused(world, words, 77, /BUILD_EXCLUSIVE_CONFIG=CONFIG_MODULES/);
  });

  it('ends with 13 for a dependency that nobody registered, and names it; --force builds', async () => {
    generate(world, 'top', { depends: ['absent'], uses: [] });
    await refused(world, ['build', 'top/1.0', '-k', older], 13, /depends on absent, which is not in the dkms tree/);
    await done(world, ['build', 'top/1.0', '-k', older, '--force']);
    expect(await statusLines(world)).toEqual([`top/1.0, ${older}, ${arch}: built`]);
  });

  it('ends with 13 for circular dependencies, and names the circle; --force builds', async () => {
    generate(world, 'one', { depends: ['two'], uses: [] });
    generate(world, 'two', { depends: ['one'], uses: [] });
    await refused(world, ['build', 'one/1.0', '-k', older], 13, /circular dependency: .*one -> two/);
    await done(world, ['build', 'one/1.0', '-k', older, '--force']);
    expect(await statusLines(world, ['one'])).toEqual([`one/1.0, ${older}, ${arch}: built`]);
  });

  it('ends with 5 for a patch that is missing or leads out, 6 for one that does not apply', async () => {
    generate(world, 'lost', { conf: 'PATCH[0]="lost.patch"\n' });
    await refused(world, ['build', 'lost/1.0', '-k', older], 5, /patch not found: .*patches\/lost\.patch/);
    generate(world, 'outside', { conf: 'PATCH[0]="../outside.patch"\n' });
    await refused(world, ['build', 'outside/1.0', '-k', older], 5, /a patch is outside its directory/);
    const { directory } = generate(world, 'rejected', { conf: 'PATCH[0]="other.patch"\n' });
    put(
      join(directory, 'patches', 'other.patch'),
      '--- a/rejected.c\n+++ b/rejected.c\n@@ -1 +1 @@\n-int nobody;\n+int x;\n',
    );
    await refused(world, ['build', 'rejected/1.0', '-k', older], 6, /patch does not apply: other\.patch/);
    expect(logOf(world, 'rejected')).toContain('Applying patch other.patch');
  });

  it("ends with PRE_BUILD's own code, before make", async () => {
    withScripts(world, 'early', { 'pre.sh': 'echo not today; exit 42' }, { conf: 'PRE_BUILD="pre.sh"\n' });
    const ended = await refused(world, ['build', 'early/1.0', '-k', older], 42, /script failed with exit code 42/);
    expect(saidBy(world, ended)).toContain('PRE_BUILD pre.sh');
    expect(logOf(world, 'early')).toContain('not today');
    expect(logOf(world, 'early')).not.toContain('Building the module');
  });

  it("ends with POST_BUILD's own code, though it is built", async () => {
    withScripts(world, 'late', { 'post.sh': 'exit 43' }, { conf: 'POST_BUILD="post.sh"\n' });
    const ended = await world.dkms(['build', 'late/1.0', '-k', older]);
    expect([ended.code, saidBy(world, ended)]).toEqual([43, expect.stringContaining('POST_BUILD post.sh')]);
    expect(await statusLines(world)).toEqual([`late/1.0, ${older}, ${arch}: built`]);
  });

  it('ends with 10 where make fails, names the first error, and keeps build/make.log', async () => {
    world.addModule('broken');
    await refused(world, ['build', 'broken/1.0', '-k', older], 10, /compiler error\n.*broken_mod\.c:\d+:\d+: error: /);
    expect(logOf(world, 'broken')).toMatch(/# exit code: 2\n/);
    expect(await statusLines(world)).toEqual(['broken/1.0: added']);
  });

  it('ends with 7 where an object that dkms.conf names was not made', async () => {
    generate(world, 'other', { conf: 'BUILT_MODULE_NAME[0]="elsewhere"\n' });
    await refused(
      world,
      ['build', 'other/1.0', '-k', older],
      7,
      /did not produce an object that dkms\.conf names: elsewhere\.ko/,
    );
    expect(existsSync(join(world.trees.dkmsTree, 'other', '1.0', 'build', 'make.log'))).toBe(true);
  });

  it('names the module that it needs where that one fails, and does not try it', async () => {
    world.addModule('broken');
    world.addModule('needs-broken');
    const ended = await world.dkms(['build', 'needs-broken/1.0', '-k', older]);
    expect([ended.code, saidBy(world, ended)]).toEqual([10, expect.stringContaining('not tried: broken failed')]);
  });
});

/** What a conf says is seen in the words of PRE_BUILD, which then ends the build before anything long begins. */
describe.skipIf(missing)('what a build goes by', () => {
  let world: World;
  let directory: string;
  const seen = (): string => readFileSync(join(world.root, 'seen'), 'utf8').trim();
  const build = async (
    words: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    rmSync(join(world.root, 'seen'), { force: true });
    const { code } = await world.dkms(['build', 'conf/1.0', '-k', older, ...words], { env: environment });
    expect(code).toBe(44);
    return seen();
  };

  beforeEach(() => {
    world = newWorld();
    const show = `echo "$*" > "${world.root}/seen"; exit 44`;
    directory = withScripts(world, 'conf', { 'show.sh': show }, { conf: 'PRE_BUILD="show.sh own $kernelver $arch"\n' });
  });

  it('is the dkms.conf of the source', async () => {
    expect(await build()).toBe(`own ${older} ${arch}`);
  });
  it('is with -c another file', async () => {
    put(
      join(world.root, 'mine.conf'),
      `${readFileSync(join(directory, 'dkms.conf'), 'utf8')}PRE_BUILD="show.sh mine"\n`,
    );
    expect(await build(['-c', 'mine.conf'])).toBe('mine');
  });
  it('is overridden by files in /etc/dkms, the closer one last', async () => {
    const names = [
      'conf.conf',
      'conf-1.0.conf',
      `conf-1.0-${older}.conf`,
      `conf-1.0-${older}-${arch}.conf`,
      `conf--${older}.conf`,
      `conf--${older}-${arch}.conf`,
    ];
    for (const name of names) {
      put(join(world.trees.confDir, name), `PRE_BUILD="show.sh ${name} $kernelver"\n`);
      expect(await build()).toBe(`${name} ${older}`);
    }
  });
  it('is overridden by DKMS_DIRECTIVE* of the environment, and that by --directive', async () => {
    put(join(world.trees.confDir, 'conf.conf'), 'PRE_BUILD="show.sh file"\n');
    const environment = { DKMS_DIRECTIVE_1: 'PRE_BUILD=show.sh environment' };
    expect(await build([], environment)).toBe('environment');
    expect(await build(['--directive', 'PRE_BUILD=show.sh a', '--directive=PRE_BUILD=show.sh b'], environment)).toBe(
      'b',
    );
  });
  it('takes scripts of /etc/dkms/<name> instead of the own ones', async () => {
    put(join(world.trees.confDir, 'conf', 'show.sh'), `#!/bin/sh\necho local > "${world.root}/seen"; exit 44\n`, 0o755);
    expect(await build()).toBe('local');
  });
  it('takes patches of /etc/dkms/<name>/patches over the own ones', async () => {
    put(join(directory, 'patches', 'p.patch'), 'no patch at all\n');
    put(
      join(world.trees.confDir, 'conf', 'patches', 'p.patch'),
      `--- a/show.sh\n+++ b/show.sh\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-echo "$*" > "${world.root}/seen"; exit 44\n+echo patched > "${world.root}/seen"; exit 44\n`,
    );
    put(join(world.trees.confDir, 'conf.conf'), 'PATCH[0]="p.patch"\n');
    expect(await build()).toBe('patched');
    expect(readFileSync(join(directory, 'show.sh'), 'utf8')).not.toContain('patched');
  });
  it('is told about directives that have no effect any more', async () => {
    put(join(world.trees.confDir, 'conf.conf'), 'REMAKE_INITRD="yes"\nCLEAN="make clean"\nMODULES_CONF="x"\n');
    const said = saidBy(world, await world.dkms(['build', 'conf/1.0', '-k', older]));
    for (const name of ['REMAKE_INITRD', 'CLEAN', 'MODULES_CONF'])
      expect(said).toContain(`${name} is deprecated and ignored`);
  });
  it('is told what its conf says to stderr', async () => {
    put(join(world.trees.confDir, 'conf.conf'), 'echo "no backlight here" >&2\nMAKE[0]="false"\n');
    const said = saidBy(world, await world.dkms(['build', 'conf/1.0', '-k', older]));
    expect(said).toContain('kmodsort: /usr/src/conf-1.0/dkms.conf: no backlight here\n');
  });
  it('is told step by step with verbose in framework.conf, as with --verbose', async () => {
    expect(saidBy(world, await world.dkms(['build', 'conf/1.0', '-k', older]))).not.toContain('running PRE_BUILD');
    expect(saidBy(world, await world.dkms(['build', 'conf/1.0', '-k', older, '--verbose']))).toContain(
      'running PRE_BUILD',
    );
    world.configure('verbose="1"\n');
    expect(saidBy(world, await world.dkms(['build', 'conf/1.0', '-k', older]))).toContain('running PRE_BUILD');
  });
  it('warns of a PRE_BUILD that cannot be executed, and goes on', async () => {
    chmodSync(join(directory, 'show.sh'), 0o644);
    put(join(world.trees.confDir, 'conf.conf'), 'MAKE[0]="false"\n');
    const ended = await world.dkms(['build', 'conf/1.0', '-k', older]);
    expect([ended.code, saidBy(world, ended)]).toEqual([10, expect.stringContaining('not executable, not run')]);
  });
});

/** NAME=value lines that a step wrote. */
const environmentIn = (path: string): ReadonlyMap<string, string> =>
  new Map(
    readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );

describe.skipIf(missing)('the environment of a build', () => {
  let world: World;
  const caller = {
    CFLAGS: '-O0',
    CXXFLAGS: '-x',
    CXX: 'c',
    LDFLAGS: '-z',
    CC: 'mine',
    KCFLAGS: '-DX',
    MAKEFLAGS: '-j99',
  };

  beforeAll(async () => {
    world = newWorld();
    world.configure(`build_environment="${world.root}/environment-$kernelver"\n`);
    put(join(world.root, `environment-${older}`), 'export CROSS="from $kernelver"\nprivate=1\necho noise\n');
    withScripts(
      world,
      'env',
      {
        'pre.sh': `env > "${world.root}/pre"; umask >> "${world.root}/pre"; pwd > "${world.root}/where"; uname -r >> "${world.root}/where"`,
      },
      { conf: `PRE_BUILD="pre.sh"\nMAKE[0]="env > '${world.root}/make'; uname -r > '${world.root}/uname'; false"\n` },
    );
    expect((await world.dkms(['build', 'env/1.0', '-k', older, '-j', '1'], { env: caller })).code).toBe(10);
  });

  it.each(['pre', 'make'])(
    'is without the compiler flags of the caller, and names the compiler of the kernel: %s',
    (step) => {
      const environment = environmentIn(join(world.root, step));
      for (const name of ['CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS', 'MAKEFLAGS'])
        expect([name, environment.has(name)]).toEqual([name, false]);
      expect(environment.get('KCFLAGS')).toBe('-DX');
      expect(environment.get('CC')).toMatch(/gcc/);
      expect(environment.get('KERNEL_CC')).toMatch(/gcc/);
    },
  );
  it.each(['pre', 'make'])('has the exports of build_environment, and nothing else of it: %s', (step) => {
    const environment = environmentIn(join(world.root, step));
    expect(environment.get('CROSS')).toBe(`from ${older}`);
    expect(environment.has('private')).toBe(false);
  });
  it('is the build directory, with a umask of 022 and a uname that answers for the kernel', () => {
    expect(readFileSync(join(world.root, 'where'), 'utf8')).toBe(`${world.trees.dkmsTree}/env/1.0/build\n${older}\n`);
    expect(readFileSync(join(world.root, 'pre'), 'utf8').trim().split('\n').at(-1)).toBe('0022');
    expect(readFileSync(join(world.root, 'uname'), 'utf8')).toBe(`${older}\n`);
  });
  it('fails a build with 8 where build_environment is no shell or everybody may write it', async () => {
    const file = join(world.root, `environment-${older}`);
    put(file, 'export A=1\nif then\n');
    await refused(world, ['build', 'env/1.0', '-k', older], 8, /bash cannot read the file: \/environment-/);
    put(file, 'export A=1\n', 0o666);
    await refused(world, ['build', 'env/1.0', '-k', older], 8, /refused, world-writable file: \/environment-/);
  });
  it('lets nothing lie about in the temporary directory', () => {
    expect(readdirSync(join(world.root, 'tmp'))).toEqual([]);
  });
});
