import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { repository } from '../kernels.ts';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { disorder, processesIn } from './installed.ts';
import { type KillAt, makeKillAt } from './kill-at.ts';
import { exitOf, startProgram } from './start-program.ts';
import { until } from './until.ts';

/** Runs that are killed, told to end, or lose those who listened to them. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [kernel] = kernels;
const release = kernel?.release ?? '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

/** The compiler that this kernel was built with, and that is therefore here. */
const compiler = (): string => {
  const config = readFileSync(join(kernel?.headers ?? '', '.config'), 'utf8');
  return /^CONFIG_CC_VERSION_TEXT="(\S+)/m.exec(config)?.[1] ?? 'cc';
};

/** States of a world's trees, to go back to. */
const keep = (world: World, name: string): void => {
  const { dkmsTree, installTree, stateDir } = world.trees;
  const place = join(world.root, `kept-${name}`);
  mkdirSync(place);
  for (const [part, tree] of Object.entries({ dkmsTree, installTree, stateDir })) {
    if (existsSync(tree)) run('cp', ['-a', tree, join(place, part)]);
  }
};

const goBack = (world: World, name: string): void => {
  const { dkmsTree, installTree, stateDir } = world.trees;
  for (const [part, tree] of Object.entries({ dkmsTree, installTree, stateDir })) {
    const kept = join(world.root, `kept-${name}`, part);
    rmSync(tree, { recursive: true, force: true });
    if (existsSync(kept)) run('cp', ['-a', kept, tree]);
  }
};

const original = (world: World): string =>
  join(world.trees.dkmsTree, 'replacer/original_module', release, 'x86_64', basename(kernel?.inTree ?? ''));
const inTreePlace = (world: World): string =>
  join(world.trees.installTree, release, 'kernel/drivers/misc', basename(kernel?.inTree ?? ''));
const packaged = (): string => readFileSync(kernel?.inTree ?? '', 'base64');

/** The kernel's own is kept whole, and nowhere else. */
const expectOriginalKept = (world: World): void => {
  expect(readFileSync(original(world), 'base64')).toBe(packaged());
  expect(readFileSync(`${original(world)}.origin`, 'utf8')).toBe(`${inTreePlace(world)}\n`);
  expect(existsSync(inTreePlace(world))).toBe(false);
};

const leaving = ['usr/src/replacer-2.0/dkms.conf'];

describe.skipIf(provision.kind === 'missing')('a run that is killed before any one change that it makes', () => {
  let world: World;
  let killAt: KillAt;

  beforeAll(async () => {
    world = newWorld();
    killAt = makeKillAt(world, compiler());
    world.addModule('replacer');
    // As it is called by that name: dkms builds without installing.
    symlinkSync(join(repository, 'dist', 'kmodsort.mjs'), join(world.root, 'dkms'));
    const { dkmsTree, sourceTree, installTree, confDir, stateDir } = world.trees;
    const places = [
      `--dkmstree=${dkmsTree}`,
      `--sourcetree=${sourceTree}`,
      `--installtree=${installTree}`,
      `--confdir=${confDir}`,
      `--statedir=${stateDir}`,
    ];
    run(process.execPath, [join(world.root, 'dkms'), 'build', 'replacer/2.0', '-k', release, ...places]);
    expect(world.installedObjects(release)).toEqual([]);
    keep(world, 'built');
    await world.hook(['pacman', 'install']);
    expectOriginalKept(world);
    keep(world, 'installed');
  });

  /** Kill a run before its first change, its second, and so on until one has no more; a number for each. */
  const killEach = async (
    state: string,
    words: readonly string[],
    paths: readonly string[],
    check: (said: string) => Promise<void>,
  ): Promise<number> => {
    for (let change = 1; ; change += 1) {
      goBack(world, state);
      const ended = await world.hook(words, paths, { env: killAt.environment(change) });
      if (ended.signal === null) {
        expect(ended.code).toBe(0);
        return change - 1;
      }
      const where = `killed before ${killAt.told().at(-1)?.replace(world.root, '')}`;
      await check(where);
    }
  };

  it('is completed by the next one while it installs', async () => {
    const killed = await killEach('built', ['pacman', 'install'], [], async (where) => {
      const next = await world.hook(['pacman', 'install']);
      expect({ where, code: next.code, disorder: disorder(world) }).toEqual({ where, code: 0, disorder: [] });
      expect({ where, objects: world.installedObjects(release) }).toEqual({ where, objects: ['intree_demo'] });
      expectOriginalKept(world);
    });
    expect(killed).toBeGreaterThan(10);
  });

  it('is completed by the next one while it takes away', async () => {
    const killed = await killEach('installed', ['pacman', 'remove'], leaving, async (where) => {
      const next = await world.hook(['pacman', 'remove'], leaving);
      expect({ where, code: next.code, disorder: disorder(world) }).toEqual({ where, code: 0, disorder: [] });
      expect({ where, objects: world.installedObjects(release) }).toEqual({ where, objects: [] });
      expect({ where, bytes: readFileSync(inTreePlace(world), 'base64') }).toEqual({ where, bytes: packaged() });
      expect({ where, left: world.files(join(world.trees.dkmsTree, 'replacer')) }).toEqual({ where, left: [] });
    });
    expect(killed).toBeGreaterThan(5);
  });
});

describe.skipIf(provision.kind === 'missing')('a run that is killed at any time', () => {
  const modules = ['zeta-core', 'mid-link', 'alpha-top', 'replacer'];
  let world: World;
  let round = 0;

  beforeAll(async () => {
    world = newWorld();
    for (const fixture of modules) world.addModule(fixture);
    keep(world, 'fresh');
    const ended = await world.hook(['pacman', 'install']);
    expect(ended.code).toBe(0);
    keep(world, 'stale');
  });

  /** Every second run begins where nothing is built, the others where everything has changed since. */
  beforeEach(() => {
    round += 1;
    goBack(world, round % 2 === 1 ? 'fresh' : 'stale');
    for (const path of world.files(world.trees.sourceTree).filter((file) => file.endsWith('.c'))) {
      appendFileSync(join(world.trees.sourceTree, path), `/* ${round} */\n`);
    }
  });

  /** A delay in milliseconds, or what the run has just said. */
  const moments: readonly (number | string)[] = [
    150,
    'zeta-core/1.0, K: copying the source',
    600,
    'zeta-core/1.0, K: running make',
    'replacer/2.0, K: running make',
    'replacer/2.0, K: checking what was built',
    'zeta-core/1.0, K: installing',
    'replacer/2.0, K: installing',
    'mid-link/1.0, K: running make',
    'mid-link/1.0, K: stripping',
    'alpha-top/1.0, K: installing',
    'depmod K',
  ];

  it.each(moments)('is completed by the next one: %s', async (moment) => {
    const awaited = typeof moment === 'string' ? moment.replace('K', release) : undefined;
    const kill = (): boolean => live.child.kill('SIGKILL');
    const live = world.kmodsortStart(['hook', 'run', 'pacman', 'install', '--verbose'], {
      onOutput: (text) => {
        if (awaited && text.includes(awaited)) kill();
      },
    });
    if (typeof moment === 'number') setTimeout(kill, moment);
    const exited = new Promise<NodeJS.Signals | null>((resolve) => {
      live.child.on('exit', (_code, signal) => resolve(signal));
    });
    expect(await exited).toBe('SIGKILL');
    const next = await world.hook(['pacman', 'install']);
    expect(next).toMatchObject({ code: 0, stderr: '' });
    expect(next.stdout).not.toContain('waiting for another run');
    expect(world.installedObjects(release)).toEqual(['alpha_top', 'intree_demo', 'mid_link', 'zeta_core']);
    expect(disorder(world)).toEqual([]);
    expectOriginalKept(world);
    expect(processesIn(world)).toEqual([]);
    await live.ended;
    const last = await world.hook(['pacman', 'install']);
    expect(last.stdout).toContain('nothing to do: 4 modules on 1 kernel');
  });
});

/** A PRE_BUILD that says when it begins and when it ends: the first time so many seconds later, then soon. */
const slowScript = (log: string, seconds: number | undefined): string => `#!/bin/sh
${seconds ? '' : "trap '' TERM INT\nsh -c 'trap \"\" TERM INT; while :; do sleep 0.1; done' &"}
echo "begin $PWD" >> ${log}
[ "$(wc -l < ${log})" -gt 1 ] || for i in $(seq ${(seconds ?? 60) * 10}); do sleep 0.1; done
${seconds ? '' : 'while :; do sleep 0.1; done'}
echo "end $PWD" >> ${log}
`;

/** A module whose PRE_BUILD takes so many seconds the first time; without end where they are not said. */
const addSlow = (world: World, seconds?: number): { log: string } => {
  const log = join(world.letBuildsTell().root, 'slow.log');
  world.addModule('lonely', {
    edit: (directory) => {
      const script = join(directory, 'slow.sh');
      writeFileSync(script, slowScript(log, seconds));
      chmodSync(script, 0o755);
      const conf = join(directory, 'dkms.conf');
      writeFileSync(conf, `${readFileSync(conf, 'utf8')}PRE_BUILD="slow.sh"\n`);
    },
  });
  return { log };
};

describe.skipIf(provision.kind === 'missing')('what a killed run started', () => {
  it('is ended before the next one builds in the same directory', async () => {
    const world = newWorld();
    const { log } = addSlow(world, 60);
    const live = world.kmodsortStart(['sync']);
    await until(() => existsSync(log));
    live.child.kill('SIGKILL');
    const next = await world.kmodsort(['sync']);
    expect(next.code).toBe(0);
    expect(next.stdout).toContain('killed a build of lonely/1.0 that an interrupted run had left');
    await live.ended;
    const directory = join(world.trees.dkmsTree, 'lonely/1.0/build');
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      `begin ${directory}`,
      `begin ${directory}`,
      `end ${directory}`,
    ]);
    expect(processesIn(world)).toEqual([]);
  });
});

describe.skipIf(provision.kind === 'missing')('a run that is told to end', () => {
  it.each([
    ['sync', 'SIGINT', 130],
    ['sync', 'SIGTERM', 143],
    ['hook run pacman install', 'SIGINT', 130],
    ['hook run pacman install', 'SIGTERM', 143],
    ['hook run apt trigger', 'SIGINT', 0],
    ['hook run rpm files-out', 'SIGTERM', 0],
  ] as const)(
    '%s ends all that it started within seconds of %s, says so, and ends with %i',
    async (line, signal, code) => {
      const world = newWorld();
      const { log } = addSlow(world);
      world.addModule('replacer');
      const live = world.kmodsortStart([...line.split(' '), '-j', '1']);
      await until(() => existsSync(log));
      const start = performance.now();
      live.child.kill(signal);
      const ended = await live.ended;
      // Two seconds, and as much again for a machine with other things to do.
      expect(performance.now() - start).toBeLessThan(4000);
      expect(ended.code).toBe(code);
      expect(processesIn(world)).toEqual([]);
      expect(ended.stdout).toContain(`kmodsort: interrupted by ${signal}`);
      expect(ended.stdout).toMatch(/^ {2}skipped +lonely\/1\.0 .*not tried: interrupted$/m);
      expect(ended.stdout).toMatch(/^kmodsort: modules are missing on .*: .*lonely/m);
      expect(disorder(world)).toEqual([]);
    },
  );
});

describe.skipIf(provision.kind === 'missing')('a run that was killed while it replaced a source', () => {
  it('has lost neither the old one nor the new one, and its copies are swept away', async () => {
    const world = newWorld();
    const { directory } = world.addModule('lonely');
    renameSync(directory, join(world.trees.sourceTree, '.tmp_old_lonely-1.0'));
    mkdirSync(join(world.trees.sourceTree, '.tmp_lonely-1.0_Ab12cd'));
    mkdirSync(world.trees.stateDir, { recursive: true });
    writeFileSync(join(world.trees.stateDir, 'lock'), '999999999 1 kmodsort add\n');
    expect((await world.kmodsort(['sync'])).code).toBe(0);
    expect(readdirSync(world.trees.sourceTree)).toEqual(['lonely-1.0']);
    expect(world.installedObjects(release)).toEqual(['lonely']);
  });
});

describe.skipIf(provision.kind === 'missing')('a run that nobody listens to any more', () => {
  it('goes on after a hang-up', async () => {
    const world = newWorld();
    const { log } = addSlow(world, 3);
    const live = world.kmodsortStart(['sync']);
    await until(() => existsSync(log));
    live.child.kill('SIGHUP');
    expect(await live.ended).toMatchObject({ code: 0, signal: null });
    expect(world.installedObjects(release)).toEqual(['lonely']);
  });

  it.each(['hook run pacman install', 'sync --json', 'sync'])(
    'goes on when its output has no reader: %s',
    async (line) => {
      const world = newWorld();
      const { log } = addSlow(world, 3);
      const child = startProgram(world, line.split(' '), ['ignore', 'pipe', 'pipe']);
      const exit = exitOf(child);
      await until(() => existsSync(log));
      child.stdout?.destroy();
      child.stderr?.destroy();
      expect(await exit).toMatchObject({ code: 0, signal: null });
      expect(world.installedObjects(release)).toEqual(['lonely']);
      expect(disorder(world)).toEqual([]);
    },
  );
});

describe.skipIf(provision.kind === 'missing')('a daemon that a script of an interrupted run started', () => {
  it('does not keep the lock of the module: the next run does not wait for it', async () => {
    const world = newWorld();
    const mark = join(world.letBuildsTell().root, 'begun');
    world.addModule('lonely', {
      edit: (directory) => {
        const script = join(directory, 'daemon.sh');
        // The mark is its own: it is there when the daemon has left the group that will be ended.
        const daemon = `setsid sh -c 'echo $$ > ${mark}; exec sleep 60'`;
        const line = `[ -e ${mark} ] && exit; ${daemon} & sleep 30`;
        writeFileSync(script, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
        const conf = join(directory, 'dkms.conf');
        writeFileSync(conf, `${readFileSync(conf, 'utf8')}PRE_BUILD="daemon.sh"\n`);
      },
    });
    const live = world.kmodsortStart(['sync']);
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8') !== '');
    live.child.kill('SIGINT');
    await new Promise((resolve) => live.child.on('exit', resolve));
    const next = await world.kmodsort(['sync']);
    expect(next).toMatchObject({ code: 0, stderr: '' });
    expect(next.stdout).not.toContain('waiting');
    // It lives: this signal reaches it.
    expect(process.kill(Number(readFileSync(mark, 'utf8')), 'SIGKILL')).toBe(true);
    await live.ended;
  });
});
