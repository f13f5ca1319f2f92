import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done } from './dkms-session.ts';

/** What has changed since a module was built is told down to the file. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';

const newWorld = (...modules: readonly string[]): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  for (const name of modules) world.addModule(name);
  return world;
};

const why = async (world: World, ...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.kmodsort(['why', ...words]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
};

interface Planned {
  readonly keys: readonly {
    readonly job: string;
    readonly key: string;
    readonly parts: Readonly<Record<string, unknown>>;
  }[];
}

const isPlanned = (value: unknown): value is Planned => value instanceof Object && 'keys' in value;

const plannedKeys = async (world: World): Promise<Planned['keys']> => {
  const answer = await world.json(['plan']);
  return isPlanned(answer) ? answer.keys : [];
};

describe.skipIf(kernels.length === 0)('kmodsort why', () => {
  it('names the files of sources, conf and headers, and what it would do', async () => {
    const world = newWorld('zeta-core', 'mid-link');
    await done(world, ['autoinstall', '-k', release]);
    const [core, local] = [join(world.trees.sourceTree, 'zeta-core-1.0'), join(world.trees.confDir, 'zeta-core')];
    expect(await why(world, 'zeta-core')).toMatch(
      /^zeta-core\/1\.0, \S+: installed, nothing has changed .*\(key [0-9a-f]{12}\)\n$/,
    );
    appendFileSync(join(core, 'zeta_core.c'), '\n/* changed */\n');
    writeFileSync(join(core, 'new.h'), '');
    mkdirSync(local, { recursive: true });
    writeFileSync(join(local, 'local.sh'), 'true\n');
    const said = await why(world, 'zeta-core/1.0', '-k', release);
    expect(said).toContain('sync would build it: changed: sources, conf');
    expect(said).toMatch(/ {2}sources: new\.h\n +zeta_core\.c\n/);
    expect(said).toContain(`  conf: ${join(local, 'local.sh')}`);
    expect(await why(world, 'mid-link')).toContain('sync would build it: zeta-core was rebuilt');
    await done(world, ['autoinstall', '-k', release]);
    expect(await why(world, 'zeta-core')).toContain('nothing has changed');
  });

  it('knows what a failed build was made from', async () => {
    const world = newWorld('broken');
    await world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
    expect(await why(world, 'broken')).toMatch(/^broken\/1\.0, \S+: FAILED: compiler error.*in an earlier run/);
    appendFileSync(join(world.trees.sourceTree, 'broken-1.0/broken_mod.c'), '\n');
    expect(await why(world, 'broken')).toContain('  sources: broken_mod.c');
  });

  it('says of a name that it does not know so, with 1', async () => {
    const world = newWorld('lonely');
    const { code, stdout, stderr } = await world.kmodsort(['why', 'lonly']);
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      'kmodsort: no such module in the dkms tree, or no kernel for it: lonly\n',
    ]);
    expect((await world.kmodsort(['why', 'lonely/2.0'])).code).toBe(1);
  });

  it('gives the key that the plan shows with its parts, and that is remembered with the build', async () => {
    const world = newWorld('zeta-core', 'mid-link');
    const [core, link] = await plannedKeys(world);
    expect(core?.job).toContain('zeta-core/1.0');
    expect(Object.keys(core?.parts ?? {})).toContain('headers');
    expect(link?.parts.dependencies).toEqual({});
    expect(await why(world, 'zeta-core')).toContain('sync would build it: not built yet');
    await done(world, ['autoinstall', '-k', release]);
    expect(await why(world, 'zeta-core')).toContain(`(key ${core?.key.slice(0, 12)})`);
    expect(await plannedKeys(world)).toEqual([]);
    // Its dependency is part of it now.
    expect(await why(world, 'mid-link')).not.toContain(`(key ${link?.key.slice(0, 12)})`);
  });

  const keyOf = async (
    world: World,
    env: Readonly<Record<string, string>> = {},
    ...words: string[]
  ): Promise<string> => {
    const { stdout } = await world.kmodsort(['plan', '--json', ...words], { env });
    const answer: unknown = JSON.parse(stdout);
    return isPlanned(answer) ? (answer.keys[0]?.key ?? '') : '';
  };

  it.each<[string, Readonly<Record<string, string>>, ...string[]]>([
    ['language', { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' }],
    ['time zone', { TZ: 'Asia/Tokyo' }],
    ['user', { USER: 'somebody', LOGNAME: 'somebody', HOME: '/nonexistent', SUDO_USER: 'somebody' }],
    ['PATH', { PATH: '/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin' }],
    ['number of jobs', {}, '-j', '1'],
    ['flags of make', { MAKEFLAGS: '-j7 -k', CFLAGS: '-O3' }],
    ['width of the terminal', { COLUMNS: '40', TERM: 'dumb' }],
  ])('gives the same key with another %s', async (_what, env, ...words) => {
    const world = newWorld('lonely');
    const key = await keyOf(world);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyOf(world, env, ...words)).toBe(key);
  });

  it.each<[string, (world: World) => Readonly<Record<string, string>>]>([
    ['flags that kbuild adds', () => ({ KCFLAGS: '-O3' })],
    ['directive of the environment', () => ({ DKMS_DIRECTIVE_1: 'STRIP[0]="no"' })],
    [
      'file of build_environment',
      (world) => {
        const file = join(world.root, 'build-environment');
        writeFileSync(file, 'export EXTRA=1\n');
        world.configure(`build_environment="${file}"\n`);
        return {};
      },
    ],
    [
      'override',
      (world) => {
        writeFileSync(join(world.trees.confDir, 'lonely.conf'), 'STRIP[0]="no"\n');
        return {};
      },
    ],
    [
      'file of the source',
      (world) => {
        writeFileSync(join(world.trees.sourceTree, 'lonely-1.0/new.h'), '');
        return {};
      },
    ],
  ])('gives another key with another %s', async (_what, change) => {
    const world = newWorld('lonely');
    const key = await keyOf(world);
    const env = change(world);
    expect(await keyOf(world, env)).not.toBe(key);
  });
});
