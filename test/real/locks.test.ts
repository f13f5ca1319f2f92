import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate, objectOf } from './generated-source.ts';
import { disorder, processesIn } from './installed.ts';
import { commandLine, environmentOf, exitOf, shellLine } from './start-program.ts';
import { until } from './until.ts';

/** Several runs on one tree, runs inside runs, and how many compilers work at once. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [kernel] = kernels;
const release = kernel?.release ?? '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' }).letBuildsTell();

const writeScript = (path: string, text: string): void => {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
};

/** A module whose script for one step of the build is the given line of shell. */
const addScripted = (world: World, name: string, step: string, line: string): void => {
  const { directory } = generate(world, name, { conf: `${step}="step.sh"\n` });
  writeScript(join(directory, 'step.sh'), line);
};

describe.skipIf(provision.kind === 'missing')('two runs on one tree', () => {
  it.each([
    ['kmodsort sync', ['sync']],
    ['kmodsort hook run', ['hook', 'run', 'pacman', 'install']],
  ])('follow each other: the second waits for %s, says so, and finds nothing to do', async (name, words) => {
    const world = newWorld();
    const mark = join(world.root, 'begun');
    addScripted(world, 'slow', 'PRE_BUILD', `echo begun >> ${mark}; sleep 1`);
    const first = world.kmodsortStart(words);
    await until(() => existsSync(mark));
    const second = await world.hook(['apt', 'trigger']);
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(second.code).toBe(0);
    expect(second.stdout.split('\n').filter(Boolean)).toEqual([
      `kmodsort: waiting for the lock held by ${name} (process ${first.child.pid})`,
      'kmodsort: nothing to do: 1 module on 1 kernel up to date',
    ]);
    expect(readFileSync(mark, 'utf8')).toBe('begun\n');
    expect(disorder(world)).toEqual([]);
  });

  it('both come to their end when they are started at the same moment', async () => {
    const world = newWorld();
    for (const name of ['one', 'two']) generate(world, name);
    const ended = await Promise.all([1, 2, 3].map(() => world.hook(['pacman', 'install'])));
    expect(ended.map((one) => one.code)).toEqual([0, 0, 0]);
    const built = ended.filter((one) => one.stdout.includes('2 installed'));
    expect(built).toHaveLength(1);
    expect(disorder(world)).toEqual([]);
  });

  it('leave questions free: status and plan do not wait', async () => {
    const world = newWorld();
    const mark = join(world.root, 'begun');
    const go = join(world.root, 'go');
    addScripted(world, 'slow', 'PRE_BUILD', `echo begun > ${mark}; while [ ! -e ${go} ]; do sleep 0.05; done`);
    const first = world.kmodsortStart(['sync']);
    await until(() => existsSync(mark));
    const status = await world.kmodsort(['status']);
    const plan = await world.kmodsort(['plan']);
    expect([status.code, plan.code]).toEqual([0, 0]);
    expect(existsSync(go)).toBe(false);
    writeFileSync(go, '');
    expect((await first.ended).code).toBe(0);
  });

  it('keep the lock where only its owner reads it', async () => {
    const world = newWorld();
    await world.hook(['pacman', 'install']);
    expect(statSync(join(world.trees.stateDir, 'lock')).mode & 0o777).toBe(0o600);
  });

  it('do not wait for a run that was killed', async () => {
    const world = newWorld();
    const mark = join(world.root, 'begun');
    addScripted(world, 'slow', 'PRE_BUILD', `echo begun >> ${mark}; sleep 1`);
    const first = world.kmodsortStart(['sync']);
    await until(() => existsSync(mark));
    first.child.kill('SIGKILL');
    const second = world.kmodsortStart(['sync']);
    const start = performance.now();
    await until(() => readFileSync(mark, 'utf8') === 'begun\nbegun\n');
    expect(performance.now() - start).toBeLessThan(5000);
    const ended = await second.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).not.toContain('waiting for another run');
    await first.ended;
    expect(processesIn(world)).toEqual([]);
  });
});

const system = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A PATH on which who takes a lock needs a moment to write its name into it. */
const slowFlock = (world: World): string => {
  const directory = join(world.root, 'slow');
  mkdirSync(directory);
  writeScript(
    join(directory, 'flock'),
    `PATH=${system} flock "$@" || exit\ncase $1 in --unlock) ;; *) sleep 0.5 ;; esac`,
  );
  return `${directory}:${system}`;
};

/** A package manager that has a child of its own while it runs our hook; what it says at its end. */
const manager = (world: World, path: string): Promise<string> => {
  const hook = shellLine(commandLine(world, ['hook', 'run', 'boot']));
  const line = `sleep 60 & child=$!; ${hook} > /dev/null; echo "code $?"; kill $child && echo "the child lived"`;
  const child = spawn('sh', ['-c', line], {
    detached: true,
    env: { ...environmentOf(world), PATH: path },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return exitOf(child).then(({ output }) => output);
};

describe.skipIf(provision.kind === 'missing')('runs that start together after one that was killed', () => {
  it('end nobody, neither each other nor those who called them', async () => {
    const world = newWorld();
    const path = slowFlock(world);
    for (let round = 0; round < 5; round += 1) {
      mkdirSync(world.trees.stateDir, { recursive: true });
      writeFileSync(join(world.trees.stateDir, 'lock'), '999999999 1 kmodsort hook run\n');
      const said = await Promise.all([1, 2, 3].map(() => manager(world, path)));
      expect(said).toEqual(Array(3).fill('code 0\nthe child lived\n'));
    }
  });
});

describe.skipIf(provision.kind === 'missing')('who looks at the lock of a module', () => {
  it('lives on when a survivor of a killed build is ended', async () => {
    const world = newWorld();
    const mark = join(world.root, 'begun');
    addScripted(world, 'slow', 'PRE_BUILD', `echo begun >> ${mark}; sleep 2`);
    const first = world.kmodsortStart(['sync']);
    await until(() => existsSync(mark));
    const lock = join(world.trees.stateDir, 'lock.d', 'slow');
    expect(readFileSync(lock, 'utf8')).toMatch(/^\d+ \d+ a build of slow.*\n(group \d+ \d+\n)+$/);
    const reader = spawn('sh', ['-c', `exec tail -f ${lock}`], { detached: true, stdio: 'ignore' });
    first.child.kill('SIGKILL');
    const second = await world.kmodsort(['sync']);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain('killed a build of slow/1.0 that an interrupted run had left');
    expect([reader.exitCode, reader.signalCode]).toEqual([null, null]);
    reader.kill();
    await first.ended;
  });
});

describe.skipIf(provision.kind === 'missing')('a run inside a run', () => {
  it('called after an install finds that module done, builds others, and nobody waits for ever', async () => {
    const world = newWorld();
    const said = join(world.root, 'said');
    const nested = shellLine(commandLine(world, ['sync']));
    addScripted(world, 'caller', 'POST_INSTALL', `${nested} > ${said} 2>&1; echo "code $?" >> ${said}`);
    generate(world, 'other');
    generate(world, 'needs-caller', { depends: ['caller'] });
    const ended = await world.kmodsort(['sync', '-j', '1'], { timeout: 60_000 });
    expect(ended).toMatchObject({ code: 0, signal: null });
    const inside = readFileSync(said, 'utf8');
    expect(inside).toContain('code 0');
    expect(inside).not.toContain('kmodsort: caller/1.0, ');
    expect(inside).not.toContain('waiting for another run');
    expect(world.installedObjects(release)).toEqual(['caller', 'needs_caller', 'other']);
    expect(disorder(world)).toEqual([]);
  });

  it('is refused for the module that is in work, and goes on with the others', async () => {
    const world = newWorld();
    const said = join(world.root, 'said');
    const nested = shellLine(commandLine(world, ['sync']));
    addScripted(world, 'caller', 'PRE_BUILD', `${nested} > ${said} 2>&1; echo "code $?" >> ${said}`);
    generate(world, 'other');
    const ended = await world.kmodsort(['sync', '-j', '1'], { timeout: 60_000 });
    expect(ended).toMatchObject({ code: 0, signal: null });
    const inside = readFileSync(said, 'utf8');
    expect(inside).toMatch(/^ {2}FAILED +caller\/1\.0 .*refused inside a build of the same module/m);
    expect(inside).toMatch(/^ {2}installed +other\/1\.0 /m);
    expect(inside).toContain('code 1');
    expect(world.installedObjects(release)).toEqual(['caller', 'other']);
    expect(disorder(world)).toEqual([]);
    const last = await world.hook(['pacman', 'install']);
    expect(last.stdout).toContain('nothing to do: 2 modules on 1 kernel');
  });
});

/** A new mount namespace, where /proc is empty; as in a chroot in which nobody has mounted it. */
const withoutProc = (line: string): string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `mount -t tmpfs none /proc && exec sh -c ${shellLine([line])}`,
];

const mayUnshare = spawnSync('unshare', ['--mount', 'true']).status === 0;

describe.skipIf(provision.kind === 'missing' || !mayUnshare)('where there is no /proc', () => {
  it('modules are built, and a run inside a run does not wait for the one above it', async () => {
    const world = newWorld();
    const said = join(world.root, 'said');
    const nested = shellLine(commandLine(world, ['sync']));
    addScripted(world, 'caller', 'POST_INSTALL', `timeout 20 ${nested} > ${said} 2>&1; echo "code $?" >> ${said}`);
    const [file = '', ...words] = withoutProc(shellLine(commandLine(world, ['sync', '-j', '1'])));
    const child = spawn(file, words, { detached: true, env: environmentOf(world), stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = await exitOf(child);
    expect(ended.output).not.toContain('mkfifo');
    expect(ended.code).toBe(0);
    expect(readFileSync(said, 'utf8')).toMatch(/code 0\n$/);
    expect(readFileSync(said, 'utf8')).not.toContain('waiting');
    expect(world.installedObjects(release)).toEqual(['caller']);
    expect(disorder(world)).toEqual([]);
  });
});

const names = ['red', 'green', 'blue'];

/** Each module of three files, so that there is something to share out both inside a make and between them. */
const addThreeFiles = (world: World, name: string): void => {
  const object = objectOf(name);
  const files = ['a', 'b', 'c'].map((part) => `part_${part}`);
  const makefile = `obj-m := ${object}.o\n${object}-y := main.o ${files.map((file) => `${file}.o`).join(' ')}\n`;
  const { directory } = generate(world, name, { makefile });
  const main = join(directory, `${object}.c`);
  writeFileSync(join(directory, 'main.c'), readFileSync(main));
  for (const file of files) {
    writeFileSync(
      join(directory, `${file}.c`),
      `int ${object}_${file}(void);\nint ${object}_${file}(void) { return 0; }\n`,
    );
  }
};

const compiler = (): string => {
  const config = readFileSync(join(kernel?.headers ?? '', '.config'), 'utf8');
  return /^CONFIG_CC_VERSION_TEXT="(\S+)/m.exec(config)?.[1] ?? 'gcc';
};

/** The compiler's name, first on PATH: writes down how many of itself are at work, and takes its time. */
const watchCompilers = (world: World): { path: string; most: () => number; seen: () => number } => {
  const directory = join(world.root, 'watch');
  const count = join(directory, 'count');
  const most = join(directory, 'seen');
  mkdirSync(directory);
  writeFileSync(count, '0\n');
  const change = (by: string): string =>
    `(flock 9; n=$(cat ${count}); n=$((n ${by})); echo $n > ${count}; echo $n >> ${most}) 9> ${directory}/lock`;
  writeScript(
    join(directory, compiler()),
    `case " $* " in
*' -c '*part_*|*' -c '*main*) ;;
*) PATH=${system} exec ${compiler()} "$@" ;;
esac
${change('+ 1')}
sleep 0.3
PATH=${system} ${compiler()} "$@"
status=$?
${change('- 1')}
exit $status`,
  );
  const numbers = (): number[] => readFileSync(most, 'utf8').split('\n').filter(Boolean).map(Number);
  return {
    path: `${directory}:${system}`,
    most: () => Math.max(...numbers()),
    seen: () => numbers().length,
  };
};

describe.skipIf(provision.kind === 'missing')('the number of compilers at work', () => {
  it.each([
    ['1', (most: number) => most === 1],
    ['2', (most: number) => most === 2],
    ['0', (most: number) => most > 2],
  ])('is what -j %s says, over all modules', async (jobs, isRight) => {
    const world = newWorld();
    for (const name of names) addThreeFiles(world, name);
    const watch = watchCompilers(world);
    const ended = await world.kmodsort(['sync', '-j', jobs], { env: { PATH: watch.path } });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(world.installedObjects(release)).toEqual(['blue', 'green', 'red']);
    // Each file once in and once out.
    expect(watch.seen()).toBe(names.length * 4 * 2);
    expect({ most: watch.most(), isRight: isRight(watch.most()) }).toMatchObject({ isRight: true });
  });
});
