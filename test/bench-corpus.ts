import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { dkmsScript } from './compat/dkms-reader.ts';
import type { TestKernel } from './kernels.ts';
import { modulePackageNames, type PackagedSource, packagedSource } from './module-packages.ts';
import { commandLine, environmentOf } from './real/start-program.ts';
import { makeWorld, type World } from './world.ts';

/** Every module package of Debian's main for one kernel: Debian's dkms, kmodsort, and make alone, in turns. */

interface Cost {
  readonly seconds: number;
  readonly cpu: number;
  readonly ok: boolean;
}

/** What of them fails to build fails for all. */
const timed = (world: World, command: readonly string[]): Cost => {
  const log = join(world.root, 'time.log');
  const start = performance.now();
  const { status } = spawnSync('/usr/bin/time', ['-q', '-f', '%U %S', '-o', log, ...command], {
    env: environmentOf(world),
    stdio: 'ignore',
  });
  const seconds = (performance.now() - start) / 1000;
  const [user = 0, system = 0] = (readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds, cpu: user + system, ok: status === 0 };
};

/** dkms looks for headers in /lib/modules, whatever it is told; some confs look into the trees that all machines have. */
const inPlace = (world: World, command: readonly string[]): string[] => {
  const { installTree, sourceTree, dkmsTree } = world.trees;
  const places = [
    [installTree, '/lib/modules'],
    [sourceTree, '/usr/src'],
    [dkmsTree, '/var/lib/dkms'],
  ] as const;
  const mounts = places.map(([from, to]) => `mkdir -p ${to} && mount --bind ${from} ${to}`).join(' && ');
  return ['unshare', '--mount', 'sh', '-c', `${mounts} && exec "$@"`, 'sh', ...command];
};

const newWorld = (kernel: TestKernel, sources: readonly PackagedSource[]): World => {
  const world = makeWorld({ kernels: [kernel] });
  mkdirSync(world.trees.dkmsTree, { recursive: true });
  for (const { name, version, directory } of sources) {
    cpSync(directory, join(world.trees.sourceTree, `${name}-${version}`), { recursive: true });
    world.register(name, version);
  }
  return world;
};

/**
 * PRE_BUILD and MAKE of a conf as a person would type them, in a copy of the source where dkms makes its own: most MAKE
 * lines name that directory. Ends with 1 where no object came of it.
 */
const bareMake = `
kernelver=$1 kernel_source_dir=/lib/modules/$1/build dkms_tree=/var/lib/dkms source_tree=/usr/src arch=x86_64
module=$2 module_version=$3 build=/var/lib/dkms/$2/$3/build
rm -rf "$build" && mkdir -p "$build" && cp -a "/usr/src/$2-$3/." "$build" && cd "$build" || exit 1
. ./dkms.conf
if [ -n "$PRE_BUILD" ]; then eval "./$PRE_BUILD" || exit 1; fi
command=\${MAKE[0]:-make -C $kernel_source_dir M=$build}
eval "\${command/#make/make -j$(nproc) KERNELRELEASE=$kernelver}" || exit 1
find . -name '*.ko' | grep -q .
`;

const makeAlone = (world: World, { release }: TestKernel, { name, version }: PackagedSource): Cost =>
  timed(world, inPlace(world, ['bash', '-c', bareMake, 'bash', release, name, version]));

type Way = 'dkms' | 'dkms again' | 'kmodsort' | 'kmodsort again' | 'hook again' | 'make alone';

const sumOf = (costs: readonly Cost[]): Cost => ({
  seconds: costs.reduce((sum, { seconds }) => sum + seconds, 0),
  cpu: costs.reduce((sum, { cpu }) => sum + cpu, 0),
  ok: costs.every(({ ok }) => ok),
});

const once = (kernel: TestKernel, sources: readonly PackagedSource[], costs: Record<Way, Cost[]>): void => {
  const { release } = kernel;
  const [theirs, ours] = [newWorld(kernel, sources), newWorld(kernel, sources)];
  const dkms = inPlace(theirs, ['bash', dkmsScript(), 'autoinstall', '-k', release]);
  try {
    costs.dkms.push(timed(theirs, dkms));
    costs['dkms again'].push(timed(theirs, dkms));
    const sync = inPlace(ours, commandLine(ours, ['sync', '-k', release]));
    costs.kmodsort.push(timed(ours, sync));
    costs['kmodsort again'].push(timed(ours, sync));
    const hook = inPlace(ours, commandLine(ours, ['hook', 'run', 'apt', 'postinst', release]));
    costs['hook again'].push(timed(ours, hook));
    costs['make alone'].push(sumOf(sources.map((source) => makeAlone(theirs, kernel, source))));
  } finally {
    theirs.dispose();
    ours.dispose();
  }
};

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

const secondsAndCpu = (all: readonly Cost[]): readonly [number, number] => [
  median(all.map(({ seconds }) => seconds)),
  median(all.map(({ cpu }) => cpu)),
];

/** Print a row for each way, with its part of what dkms takes for the same. */
export const benchCorpus = (kernel: TestKernel, pairs: number, say: (text: string) => void): void => {
  const sources = modulePackageNames().map(packagedSource);
  say(`medians of ${pairs} pairs; ${sources.length} module packages for ${kernel.release}`);
  const costs: Record<Way, Cost[]> = {
    dkms: [],
    'dkms again': [],
    kmodsort: [],
    'kmodsort again': [],
    'hook again': [],
    'make alone': [],
  };
  for (let pair = 0; pair < pairs; pair += 1) once(kernel, sources, costs);
  for (const [way, all] of Object.entries(costs)) {
    const [seconds, cpu] = secondsAndCpu(all);
    const [theirSeconds, theirCpu] = secondsAndCpu(costs[way.endsWith('again') ? 'dkms again' : 'dkms']);
    const ratios = `${(seconds / theirSeconds).toFixed(2)} and ${(cpu / theirCpu).toFixed(2)} of dkms`;
    say(`${way.padEnd(20)} ${seconds.toFixed(1).padStart(7)} s   ${cpu.toFixed(1).padStart(7)} s of CPU   ${ratios}`);
  }
};

/** A typed build of one module in each way, one right after the other. */
const buildOf = (
  kernel: TestKernel,
  source: PackagedSource,
  [theirs, ours]: readonly [World, World],
): { readonly make: Cost; readonly dkms: Cost; readonly kmodsort: Cost } => {
  const words = ['build', `${source.name}/${source.version}`, '-k', kernel.release];
  const link = join(ours.root, 'bin/dkms');
  const [node = '', program = '', ...rest] = commandLine(ours, words);
  mkdirSync(join(ours.root, 'bin'), { recursive: true });
  if (!existsSync(link)) symlinkSync(program, link);
  return {
    make: makeAlone(theirs, kernel, source),
    dkms: timed(theirs, inPlace(theirs, ['bash', dkmsScript(), ...words])),
    kmodsort: timed(ours, inPlace(ours, [node, link, ...rest])),
  };
};

/**
 * Print a row of CPU seconds for each module, and the sums of those that build in all ways.
 *
 * @param names of packages, without the -dkms; all where there are none
 */
export const benchModules = (kernel: TestKernel, names: readonly string[], say: (text: string) => void): void => {
  const wanted = modulePackageNames().filter(
    (name) => names.length === 0 || names.includes(name.replace(/-dkms$/, '')),
  );
  const sources = wanted.map(packagedSource);
  const worlds = [newWorld(kernel, sources), newWorld(kernel, sources)] as const;
  const row = (name: string, one: number, two: number, three: number, end = ''): void =>
    say(`${name.padEnd(24)} ${[one, two, three].map((cpu) => cpu.toFixed(2).padStart(8)).join('')}  ${end}`);
  try {
    say(`s of CPU${''.padEnd(16)}     make    dkms kmodsort  ${kernel.release}`);
    const built = sources.flatMap((source) => {
      const { make, dkms, kmodsort } = buildOf(kernel, source, worlds);
      const failed = Object.entries({ make, dkms, kmodsort }).flatMap(([way, { ok }]) => (ok ? [] : [way]));
      row(
        source.name,
        make.cpu,
        dkms.cpu,
        kmodsort.cpu,
        failed.length > 0 ? `does not build: ${failed.join(', ')}` : '',
      );
      return failed.length > 0 ? [] : [{ make, dkms, kmodsort }];
    });
    const [make, dkms, kmodsort] = (['make', 'dkms', 'kmodsort'] as const).map(
      (way) => sumOf(built.map((one) => one[way])).cpu,
    );
    row(`sum of ${built.length}`, make ?? 0, dkms ?? 0, kmodsort ?? 0);
  } finally {
    for (const world of worlds) world.dispose();
  }
};
