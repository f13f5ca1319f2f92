import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchBuilds } from './bench-builds.ts';
import { benchCorpus, benchModules } from './bench-corpus.ts';
import { dkmsScript } from './compat/dkms-reader.ts';
import { provisionKernels, repository, type TestKernel } from './kernels.ts';
import { isRoot, missingPackages, run } from './packages.ts';

/**
 * Times against Debian's dkms on the same tree, in pairs that take turns: status over more and more entries, and
 * autoinstall with nothing to do. And the CPU of starts beside that of node itself. Prints medians and their ratios;
 * says nothing of good or bad.
 */

const pairs = Number(process.env.BENCH_PAIRS ?? 5);
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

interface Bench {
  readonly root: string;
  readonly kernel: TestKernel;
  readonly object: string;
}

interface Timed {
  readonly seconds: number;
  readonly code: number | null;
  /** Peak memory in MB. */
  readonly memory: number;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** Both programs have these trees as options; what dkms has wired in is bound over in a mount namespace. */
const treeOptions = ({ root }: Bench): string[] => [
  ...['--dkmstree', join(root, 'dkms'), '--sourcetree', join(root, 'src'), '--installtree', join(root, 'modules')],
];

const commandOf = (bench: Bench, whose: 'dkms' | 'kmodsort', words: readonly string[]): string[] => {
  if (whose === 'dkms') return ['bash', dkmsScript(), ...words, ...treeOptions(bench)];
  return [process.execPath, join(bench.root, 'bin/dkms'), ...words, ...treeOptions(bench)];
};

const timed = (bench: Bench, whose: 'dkms' | 'kmodsort', words: readonly string[]): Timed => {
  const log = join(bench.root, 'time.log');
  const start = performance.now();
  const { status } = spawnSync('/usr/bin/time', ['-f', '%M', '-o', log, ...commandOf(bench, whose, words)], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: bench.root, LC_ALL: 'C.UTF-8' },
    stdio: 'ignore',
  });
  const seconds = (performance.now() - start) / 1000;
  const memory = Number(run('tail', ['-n', '1', log])) / 1024;
  return { seconds, code: status, memory };
};

/** One module as dkms leaves it: built and installed, a copy of one real object under its name. */
const addEntry = ({ root, kernel, object }: Bench, name: string): void => {
  const source = join(root, 'src', `${name}-1.0`);
  const entry = join(root, 'dkms', name);
  const built = join(entry, '1.0', kernel.release, 'x86_64', 'module');
  const installed = join(root, 'modules', kernel.release, 'updates/dkms');
  for (const directory of [source, built, installed]) mkdirSync(directory, { recursive: true });
  const conf = [
    `PACKAGE_NAME="${name}"`,
    'PACKAGE_VERSION="1.0"',
    `BUILT_MODULE_NAME[0]="${name}"`,
    'DEST_MODULE_LOCATION[0]="/updates/dkms"',
    'AUTOINSTALL="yes"',
    '',
  ];
  writeFileSync(join(source, 'dkms.conf'), conf.join('\n'));
  cpSync(object, join(built, `${name}.ko`));
  cpSync(object, join(installed, `${name}.ko`));
  symlinkSync(source, join(entry, '1.0', 'source'));
  symlinkSync(`1.0/${kernel.release}/x86_64`, join(entry, `kernel-${kernel.release}-x86_64`));
};

const makeBench = (kernel: TestKernel): Bench => {
  const root = mkdtempSync(join(tmpdir(), 'kmodsort-bench-'));
  for (const directory of ['dkms', 'src', 'bin', `modules/${kernel.release}/kernel`]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  symlinkSync(kernel.headers, join(root, 'modules', kernel.release, 'build'));
  writeFileSync(join(root, 'modules', kernel.release, 'modules.order'), '');
  symlinkSync(join(repository, 'dist/kmodsort.mjs'), join(root, 'bin/dkms'));
  return { root, kernel, object: kernel.inTree };
};

const compare = (bench: Bench, title: string, words: readonly string[]): void => {
  const ours: Timed[] = [];
  const theirs: Timed[] = [];
  timed(bench, 'kmodsort', words);
  for (let pair = 0; pair < pairs; pair += 1) {
    theirs.push(timed(bench, 'dkms', words));
    ours.push(timed(bench, 'kmodsort', words));
  }
  const [mine, other] = [median(ours.map((one) => one.seconds)), median(theirs.map((one) => one.seconds))];
  const memory = Math.max(...ours.map((one) => one.memory));
  const codes = `exit ${theirs[0]?.code} and ${ours[0]?.code}`;
  say(
    `${title.padEnd(34)} dkms ${other.toFixed(3)} s   kmodsort ${mine.toFixed(3)} s   ${(other / mine).toFixed(1)} times   ${memory.toFixed(0)} MB   ${codes}`,
  );
};

const runsInSample = 10;

/** CPU seconds of one run, out of a sample of several. */
const cpuOf = (bench: Bench, words: readonly string[]): number => {
  const log = join(bench.root, 'time.log');
  const loop = `i=0; while [ $i -lt ${runsInSample} ]; do "$@" </dev/null >/dev/null 2>&1; i=$((i + 1)); done`;
  spawnSync('/usr/bin/time', ['-f', '%U %S', '-o', log, 'sh', '-c', loop, 'sh', process.execPath, ...words], {
    // Certificates in NODE_EXTRA_CA_CERTS would be read at each start.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: bench.root, LC_ALL: 'C.UTF-8' },
    stdio: 'ignore',
  });
  const [user = 0, system = 0] = run('tail', ['-n', '1', log]).trim().split(' ').map(Number);
  return (user + system) / runsInSample;
};

const compareStart = (bench: Bench, title: string, program: 'dkms' | 'kmodsort', words: readonly string[]): void => {
  const file = program === 'dkms' ? join(bench.root, 'bin/dkms') : join(repository, 'dist/kmodsort.mjs');
  const samples = Array.from({ length: pairs }, () => {
    const [node, ours] = [cpuOf(bench, ['-e', '0']), cpuOf(bench, [file, ...words])];
    return { node, ours, ratio: ours / node };
  });
  const of = (key: 'node' | 'ours' | 'ratio'): number => median(samples.map((sample) => sample[key]));
  say(
    `${title.padEnd(34)} node ${of('node').toFixed(3)} s   kmodsort ${of('ours').toFixed(3)} s of CPU   ${of('ratio').toFixed(2)} times`,
  );
};

const privateOptions = (bench: Bench): string[] => [
  ...treeOptions(bench),
  ...['--confdir', join(bench.root, 'etc'), '--statedir', join(bench.root, 'state')],
];

/** Build a module that was built before: out of the store, against compiling it again. */
const compareSecondBuild = (bench: Bench): void => {
  const { root, kernel } = bench;
  cpSync(join(repository, 'test/fixtures/lonely'), join(root, 'src/lonely-1.0'), { recursive: true });
  mkdirSync(join(root, 'dkms/lonely/1.0'), { recursive: true });
  symlinkSync(join(root, 'src/lonely-1.0'), join(root, 'dkms/lonely/1.0/source'));
  const where = ['lonely/1.0', '-k', kernel.release, ...privateOptions(bench).slice(treeOptions(bench).length)];
  const again = (isStored: boolean): number => {
    timed(bench, 'kmodsort', ['unbuild', ...where]);
    if (!isStored) rmSync(join(root, 'state/store'), { recursive: true, force: true });
    return timed(bench, 'kmodsort', ['build', ...where]).seconds;
  };
  const samples = Array.from({ length: pairs }, () => [again(false), again(true)] as const);
  const [compiled, stored] = [median(samples.map(([one]) => one)), median(samples.map(([, one]) => one))];
  say(
    `${'build again, one small module'.padEnd(34)} compiled ${compiled.toFixed(3)} s   from the store ${stored.toFixed(3)} s   ${(compiled / stored).toFixed(1)} times`,
  );
};

const main = async (): Promise<number> => {
  const provision = provisionKernels();
  if (!isRoot() || provision.kind === 'missing') {
    say(`bench: ${provision.kind === 'missing' ? provision.why : 'dkms wants root'}`);
    return 1;
  }
  const [kernel] = provision.kernels;
  const missing = missingPackages(['time']);
  if (!kernel || missing) {
    say(`bench: ${missing}`);
    return 1;
  }
  const [, , what, ...names] = process.argv;
  if (what === 'corpus' || what === 'modules') {
    const plain = provisionKernels('plain');
    const [first] = plain.kind === 'ready' ? plain.kernels : [];
    if (first && what === 'corpus') benchCorpus(first, Number(process.env.BENCH_PAIRS ?? 1), say);
    if (first && what === 'modules') benchModules(first, names, say);
    return first ? 0 : 1;
  }
  const bench = makeBench(kernel);
  try {
    say(`medians of ${pairs} pairs; ${kernel.release}`);
    compareSecondBuild(bench);
    await benchBuilds(kernel, pairs, say);
    rmSync(join(bench.root, 'dkms/lonely'), { recursive: true });
    let entries = 0;
    for (const wanted of [0, 1, 30, 300]) {
      for (; entries < wanted; entries += 1) addEntry(bench, `bench${entries}`);
      // As on any machine that had one transaction: the records know what was installed.
      timed(bench, 'kmodsort', ['autoinstall', '-k', kernel.release]);
      compare(bench, `status, ${wanted} entries`, ['status']);
      if (wanted === 0) compareStart(bench, 'start: --version', 'dkms', ['--version']);
      if (wanted === 0 || wanted === 30) {
        const options = privateOptions(bench);
        compareStart(bench, `start: status, ${wanted} entries`, 'dkms', ['status', ...options]);
        compareStart(bench, `start: hook, ${wanted} entries`, 'kmodsort', [
          'hook',
          'run',
          'apt',
          'trigger',
          ...options,
        ]);
      }
      if (wanted === 30) compare(bench, 'autoinstall, 30, nothing to do', ['autoinstall', '-k', kernel.release]);
    }
  } finally {
    rmSync(bench.root, { recursive: true, force: true });
  }
  return 0;
};

process.exit(await main());
