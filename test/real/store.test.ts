import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { missingPackages, run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done } from './dkms-session.ts';
import { type Generated, generate } from './generated-source.ts';
import { disorder, installedFile } from './installed.ts';
import { makeKillAt } from './kill-at.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';

/** What was built once is taken out of the store: the same Key is the same build. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const releases = kernels.map((kernel) => kernel.release);
const [release = '', second = ''] = releases;
const first = kernels.slice(0, 1);

const newWorld = (on: typeof kernels = first): World => disposableWorld({ kernels: on, distribution: 'arch' });

interface Row {
  readonly module: { readonly name: string; readonly version: string };
  readonly kernel: { readonly release: string };
  readonly outcome: { readonly kind: string; readonly from?: { readonly built: string; readonly seconds: number } };
}

const isSummary = (value: unknown): value is { readonly rows: readonly Row[] } =>
  value instanceof Object && 'rows' in value;

const sync = async (world: World, ...words: readonly string[]): Promise<readonly Row[]> => {
  const answer = await world.json(['sync', ...words]);
  return isSummary(answer) ? answer.rows : [];
};

/** Names of what the compiler made, and of what came out of the store. */
const made = (rows: readonly Row[]): { built: string[]; taken: string[] } => {
  const installed = rows.filter(({ outcome }) => outcome.kind === 'installed' || outcome.kind === 'built');
  const names = (isTaken: boolean): string[] =>
    installed.filter(({ outcome }) => (outcome.from !== undefined) === isTaken).map(({ module }) => module.name);
  return { built: names(false).sort(), taken: names(true).sort() };
};

const storePath = (world: World): string => join(world.trees.stateDir, 'store');

const artifacts = (world: World): string[] =>
  existsSync(storePath(world))
    ? readdirSync(storePath(world)).flatMap((name) =>
        readdirSync(join(storePath(world), name)).map((key) => join(storePath(world), name, key)),
      )
    : [];

const chain = (world: World): void => {
  generate(world, 'low');
  generate(world, 'high', { depends: ['low'] });
};

const logOf = (world: World, name: string, version = '1.0'): string =>
  readFileSync(join(world.trees.dkmsTree, name, version, release, 'x86_64/log/make.log'), 'utf8');

describe.skipIf(kernels.length === 0)('the store', () => {
  it('brings back what was removed and added again, with its log, as it was', async () => {
    const world = newWorld();
    chain(world);
    expect(made(await sync(world))).toEqual({ built: ['high', 'low'], taken: [] });
    const bytes = (): Buffer => readFileSync(installedFile(world, release, 'high'));
    const [before, log] = [bytes(), logOf(world, 'high')];
    for (const name of ['high', 'low']) await done(world, ['remove', `${name}/1.0`, '--all']);
    expect(world.installedObjects(release)).toEqual([]);
    for (const name of ['low', 'high']) await done(world, ['add', `${name}/1.0`]);
    const said = await world.kmodsort(['sync', '--verbose']);
    expect(said.stdout).toMatch(/low\/1\.0, \S+: taking the build out of the store/);
    expect(said.stdout).not.toContain('running make');
    expect(said.stdout).toMatch(
      / {2}installed {2}high\/1\.0 +\S+ +from the store \(built \d{4}-\d\d-\d\d in [\d.]+ s\)/,
    );
    expect(bytes().equals(before)).toBe(true);
    expect(logOf(world, 'high')).toBe(log);
    expect((await world.kmodsort(['verify'])).code).toBe(0);
    expect((await world.kmodsort(['plan'])).stdout).toContain('nothing to do');
    expect(disorder(world)).toEqual([]);
  });

  it.skipIf(second === '')('brings back what was built for a kernel that was gone', async () => {
    const world = newWorld(kernels);
    generate(world, 'low');
    await sync(world, '-k', release, '-k', second);
    await world.hook(['pacman', 'remove'], [`usr/lib/modules/${second}/vmlinuz`]);
    expect(world.installedObjects(second)).toEqual([]);
    rmSync(join(world.trees.installTree, second), { recursive: true });
    world.addKernel(second);
    const { stdout } = await world.hook(['pacman', 'install'], [`usr/lib/modules/${second}/vmlinuz`]);
    expect(stdout).toContain('from the store (built ');
    expect(world.installedObjects(second)).toEqual(['low']);
  });

  it('brings back an older version, and an undone change', async () => {
    const world = newWorld();
    const { directory } = generate(world, 'low');
    await sync(world);
    const source = join(directory, 'low.c');
    const text = readFileSync(source, 'utf8');
    appendFileSync(source, '/* changed */\n');
    expect(made(await sync(world))).toEqual({ built: ['low'], taken: [] });
    writeFileSync(source, text);
    expect(made(await sync(world))).toEqual({ built: [], taken: ['low'] });
    generate(world, 'low', { version: '2.0' });
    expect(made(await sync(world))).toEqual({ built: ['low'], taken: [] });
    await done(world, ['remove', 'low/2.0', '--all']);
    await done(world, ['unbuild', 'low/1.0', '--all']);
    expect(made(await sync(world))).toEqual({ built: [], taken: ['low'] });
    expect((await world.dkms(['status', 'low'])).stdout).toContain('low/1.0');
  });

  it('brings dependents back with the dependency that they were built with, and only with that', async () => {
    const world = newWorld();
    chain(world);
    await sync(world);
    const source = join(world.trees.sourceTree, 'low-1.0/low.c');
    const text = readFileSync(source, 'utf8');
    writeFileSync(source, text.replaceAll('int low_value(void)', 'long low_value(void)'));
    writeFileSync(
      join(world.trees.sourceTree, 'high-1.0/high.c'),
      readFileSync(join(world.trees.sourceTree, 'high-1.0/high.c'), 'utf8').replace('int low_value', 'long low_value'),
    );
    expect(made(await sync(world))).toEqual({ built: ['high', 'low'], taken: [] });
    writeFileSync(source, text);
    const high = join(world.trees.sourceTree, 'high-1.0/high.c');
    writeFileSync(high, readFileSync(high, 'utf8').replace('long low_value', 'int low_value'));
    expect(made(await sync(world))).toEqual({ built: [], taken: ['high', 'low'] });
    expect((await world.kmodsort(['verify'])).code).toBe(0);
  });

  it('is asked by the commands of dkms too, and --force builds', async () => {
    const world = newWorld();
    generate(world, 'low');
    await done(world, ['install', 'low/1.0', '-k', release]);
    await done(world, ['unbuild', 'low/1.0', '--all']);
    expect(await done(world, ['build', 'low/1.0', '-k', release])).toContain('from the store');
    const { birthtimeMs } = statSync(artifacts(world)[0] ?? '');
    expect(await done(world, ['build', 'low/1.0', '-k', release, '--force'])).not.toContain('from the store');
    // What was forced takes the place of what was kept.
    expect(artifacts(world)).toHaveLength(1);
    expect(statSync(artifacts(world)[0] ?? '').birthtimeMs).not.toBe(birthtimeMs);
  });

  it('is not asked for a build with other directives', async () => {
    const world = newWorld();
    generate(world, 'low');
    await done(world, ['install', 'low/1.0', '-k', release]);
    await done(world, ['unbuild', 'low/1.0', '--all']);
    const said = await done(world, ['build', 'low/1.0', '-k', release, '--directive', 'STRIP[0]="no"']);
    expect(said).not.toContain('from the store');
  });

  it('keeps what POST_BUILD leaves beside the objects, and what was there for signing', async () => {
    const world = newWorld();
    const conf = 'POST_BUILD="post.sh $dkms_tree/low/1.0/$kernelver/$arch"\n';
    const { directory } = generate(world, 'low', { conf });
    const script = '#!/bin/sh\nset -e\nmkdir -p "$1/conf"\necho made > "$1/conf/low.h"\n';
    writeFileSync(join(directory, 'post.sh'), script, { mode: 0o755 });
    await sync(world);
    const left = join(world.trees.dkmsTree, 'low/1.0', release, 'x86_64/conf/low.h');
    const bytes = readFileSync(installedFile(world, release, 'low'));
    expect(readFileSync(left, 'utf8')).toBe('made\n');
    await done(world, ['unbuild', 'low/1.0', '--all']);
    expect(existsSync(left)).toBe(false);
    expect(made(await sync(world))).toEqual({ built: [], taken: ['low'] });
    expect(readFileSync(left, 'utf8')).toBe('made\n');
    expect(readFileSync(installedFile(world, release, 'low')).equals(bytes)).toBe(true);
  });

  it('goes by what was copied, where a source was replaced after the run had looked at it', async () => {
    const world = newWorld();
    const low = generate(world, 'low', { conf: 'PRE_BUILD="other.sh"\n' });
    const { directory } = generate(world, 'high', { depends: ['low'] });
    const source = join(directory, 'high.c');
    const text = readFileSync(source, 'utf8');
    const script = `#!/bin/sh\necho '/* meanwhile */' >> '${source}'\n`;
    writeFileSync(join(low.directory, 'other.sh'), script, { mode: 0o755 });
    expect(made(await sync(world))).toEqual({ built: ['high', 'low'], taken: [] });
    expect((await world.kmodsort(['why', 'high'])).stdout).toContain('nothing has changed');
    writeFileSync(source, text);
    expect((await world.kmodsort(['why', 'high'])).stdout).toContain('  sources: high.c');
    expect(made(await sync(world))).toEqual({ built: ['high'], taken: [] });
    writeFileSync(source, `${text}/* meanwhile */\n`);
    expect(made(await sync(world))).toEqual({ built: [], taken: ['high'] });
  });

  it('keeps links that POST_BUILD leaves as links, and takes back none that lead out of their place', async () => {
    const world = newWorld();
    const { directory } = generate(world, 'low', {
      conf: 'POST_BUILD="post.sh $dkms_tree/low/1.0/$kernelver/$arch"\n',
    });
    const script = (target: string): string =>
      `#!/bin/sh\nset -e\nmkdir -p "$1/conf"\ncd "$1/conf"\nln -sf ${target} link\nln -sf . loop\n`;
    const post = join(directory, 'post.sh');
    const again = async (): Promise<ReturnType<typeof made>> => {
      await done(world, ['unbuild', 'low/1.0', '--all']);
      return made(await sync(world));
    };
    writeFileSync(post, script('loop'), { mode: 0o755 });
    await sync(world);
    expect(await again()).toEqual({ built: [], taken: ['low'] });
    const left = join(world.trees.dkmsTree, 'low/1.0', release, 'x86_64/conf');
    expect([readlinkSync(join(left, 'link')), readlinkSync(join(left, 'loop'))]).toEqual(['loop', '.']);
    writeFileSync(post, script('/etc/passwd'), { mode: 0o755 });
    await sync(world);
    expect(await again()).toEqual({ built: ['low'], taken: [] });
  });

  it('keeps nothing of a build that writes into its own source', async () => {
    const world = newWorld();
    const { directory } = generate(world, 'low', { conf: 'PRE_BUILD="pre.sh"\n' });
    writeFileSync(join(directory, 'pre.sh'), `#!/bin/sh\ndate +%N > '${directory}/stamp'\n`, { mode: 0o755 });
    await sync(world);
    expect(artifacts(world)).toEqual([]);
  });
});

describe.skipIf(kernels.length === 0)('what is in the store', () => {
  const worldWith = async (options: Generated = {}): Promise<World> => {
    const world = newWorld();
    generate(world, 'low', options);
    await sync(world);
    return world;
  };
  /** The one artifact, and its blobs, the largest first. */
  const blobsOf = (world: World): [string, string[]] => {
    const [path = ''] = artifacts(world);
    const blobs = readdirSync(join(path, 'blobs/sha256')).map((name) => join(path, 'blobs/sha256', name));
    return [path, blobs.sort((a, b) => statSync(b).size - statSync(a).size)];
  };
  const storeOf = async (world: World): Promise<{ readonly bytes: number }> => {
    const answer = await world.json(['store']);
    return answer instanceof Object && 'bytes' in answer && typeof answer.bytes === 'number'
      ? { bytes: answer.bytes }
      : { bytes: 0 };
  };
  const again = async (world: World): Promise<ReturnType<typeof made>> => {
    await done(world, ['unbuild', 'low/1.0', '--all']);
    return made(await sync(world));
  };

  it('is an image that skopeo reads', async (context) => {
    const missing = missingPackages(['skopeo']);
    if (missing) return context.skip(missing);
    const world = await worldWith();
    const [path = ''] = artifacts(world);
    const shown: unknown = JSON.parse(run('skopeo', ['inspect', `oci:${path}`]));
    expect(shown).toMatchObject({ Os: 'linux' });
    const copy = join(world.root, 'copy');
    run('skopeo', ['copy', '--quiet', `oci:${path}`, `oci:${copy}:other`]);
    expect(readdirSync(join(copy, 'blobs/sha256')).sort()).toEqual(readdirSync(join(path, 'blobs/sha256')).sort());
  });

  it('is listed, with what is in use', async () => {
    const world = await worldWith();
    const { stdout, code } = await world.kmodsort(['store']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^low/1\\.0 {2}${release.replaceAll('.', '\\.').replaceAll('+', '\\+')} {2}built \\d{4}-\\d\\d-\\d\\d in [\\d.]+ s {2}[\\d.]+ KiB {2}[0-9a-f]{12} {2}in use\\n1 build, [\\d.]+ KiB of 2\\.0 GiB\\n$`,
      ),
    );
    expect((await world.kmodsort(['store', 'verify'])).stdout).toMatch(/^1 build, /);
    expect(await world.json(['store', 'list'])).toMatchObject({ kind: 'store', count: 1 });
  });

  it.each<[string, (path: string, blobs: readonly string[]) => void]>([
    [
      'a byte of a layer',
      (_path, [largest = '']) => {
        const bytes = readFileSync(largest);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        writeFileSync(largest, bytes);
      },
    ],
    ['half of a layer', (_path, [largest = '']) => writeFileSync(largest, readFileSync(largest).subarray(0, 100))],
    ['a whole blob', (_path, blobs) => rmSync(blobs.at(-1) ?? '')],
    ['the index', (path) => writeFileSync(join(path, 'index.json'), 'rubbish')],
    [
      'the digest in the index',
      (path) => {
        const index = join(path, 'index.json');
        writeFileSync(
          index,
          readFileSync(index, 'utf8').replace(/sha256:[0-9a-f]{64}/, 'sha256:../../../../../../etc/passwd'),
        );
      },
    ],
  ])('is built again where %s is damaged', async (_what, damage) => {
    const world = await worldWith();
    damage(...blobsOf(world));
    expect(await again(world)).toEqual({ built: ['low'], taken: [] });
    expect(await again(world)).toEqual({ built: [], taken: ['low'] });
  });

  it('is looked at byte by byte, and what is damaged goes', async () => {
    const world = await worldWith();
    appendFileSync(blobsOf(world)[1][0] ?? '', 'x');
    const { code, stdout } = await world.kmodsort(['store', 'verify']);
    expect(stdout).toMatch(/^damaged, removed: low.*\n0 builds, 0 B of /);
    expect([code, artifacts(world)]).toEqual([1, []]);
  });

  it('is not used where others may have written it', async () => {
    const world = await worldWith();
    const [path = ''] = artifacts(world);
    run('chmod', ['o+w', path]);
    expect(await again(world)).toEqual({ built: ['low'], taken: [] });
  });

  it('goes when it is too much, the longest unused first, and never what is in use', async () => {
    const world = await worldWith();
    const source = join(world.trees.sourceTree, 'low-1.0/low.c');
    for (const text of ['/* 1 */\n', '/* 2 */\n']) {
      appendFileSync(source, text);
      await sync(world);
    }
    expect(artifacts(world)).toHaveLength(3);
    const { bytes } = await storeOf(world);
    world.configure(`store_size="${Math.round(bytes * 0.8)}"\n`);
    const collected = await world.kmodsort(['store', 'gc']);
    expect(collected.stdout).toMatch(/^removed: low\/1\.0 .*\n2 builds, /);
    expect(collected.code).toBe(0);
    world.configure('store_size="1"\n');
    appendFileSync(source, '/* 3 */\n');
    await sync(world);
    expect(artifacts(world)).toHaveLength(1);
    expect((await world.kmodsort(['store'])).stdout).toContain('in use');
    expect(await again(world)).toEqual({ built: [], taken: ['low'] });
  });

  it('is nothing with store_size=0', async () => {
    const world = newWorld();
    world.configure('store_size="0"\n');
    generate(world, 'low');
    await sync(world);
    expect(artifacts(world)).toEqual([]);
    expect((await world.kmodsort(['store'])).stdout).toBe('0 builds, 0 B; store_size="0" keeps no more\n');
  });
});

describe.skipIf(kernels.length === 0 || !canMount())('a store without room', () => {
  afterAll(unmountAll);
  it('costs a build nothing but what it would have kept', async () => {
    const world = newWorld();
    generate(world, 'low');
    mountAt(storePath(world), 'size=16k');
    const { code, stdout } = await world.kmodsort(['sync']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/warning: cannot keep what was built: .*ENOSPC|No space left/);
    expect(world.installedObjects(release)).toEqual(['low']);
    expect(artifacts(world)).toEqual([]);
    expect(disorder(world)).toEqual([]);
  });
});

describe.skipIf(kernels.length === 0)('a run that is killed while it uses the store', () => {
  /** Numbers of the changes, of those of a kind in one directory the first. */
  const distinct = (changes: readonly string[]): number[] => {
    const kinds = changes.map(
      (change) => `${change.split(' ')[0]} ${dirname(change).replace(/\.tmp_[^/]*|[0-9a-f]{64}/g, '#')}`,
    );
    return kinds.flatMap((kind, index) => (kinds.indexOf(kind) === index ? [index + 1] : []));
  };

  it('leaves an old or a new one at each change of a name, never half, and the next run goes on', async () => {
    const world = newWorld();
    generate(world, 'low');
    await sync(world);
    const compiler = existsSync('/usr/bin/gcc') ? 'gcc' : 'gcc-12';
    const kill = makeKillAt(world, compiler);
    let killed = 0;
    const begin = async (isTaken: boolean, change: number): Promise<number | null> => {
      await done(world, ['unbuild', 'low/1.0', '--all']);
      if (!isTaken) rmSync(storePath(world), { recursive: true, force: true });
      // The changes of every install have a test of their own.
      const env = { ...kill.environment(change), KILL_BELOW: `${storePath(world)}/` };
      return (await world.kmodsort(['sync'], { env })).code;
    };
    for (const isTaken of [false, true]) {
      await begin(isTaken, 0);
      for (const change of distinct(kill.told())) {
        expect(await begin(isTaken, change)).not.toBe(0);
        const at = `${isTaken ? 'taking' : 'making'}: ${kill.told().at(-1) ?? ''}`;
        killed += 1;
        expect((await world.kmodsort(['store', 'verify'])).code, at).toBe(0);
        expect((await world.kmodsort(['sync'])).code, at).toBe(0);
        expect(world.installedObjects(release), at).toEqual(['low']);
        const left = readdirSync(storePath(world)).filter((name) => name.startsWith('.tmp_'));
        expect(left, at).toEqual([]);
        expect(disorder(world), at).toEqual([]);
      }
    }
    expect(killed).toBeGreaterThan(5);
  }, 900_000);
});
