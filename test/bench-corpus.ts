import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
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
}

/** What of them fails to build fails for all. */
const timed = (world: World, command: readonly string[]): Cost => {
  const log = join(world.root, 'time.log');
  const start = performance.now();
  spawnSync('/usr/bin/time', ['-q', '-f', '%U %S', '-o', log, ...command], {
    env: environmentOf(world),
    stdio: 'ignore',
  });
  const seconds = (performance.now() - start) / 1000;
  const [user = 0, system = 0] = (readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds, cpu: user + system };
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

/** PRE_BUILD and MAKE of a conf in a copy of its source, as a person would type them. */
const bareMake = `
kernelver=$1 kernel_source_dir=$2 dkms_tree=/var/lib/dkms source_tree=/usr/src arch=x86_64
shift 2
for module; do
  (
    cp -a "/usr/src/$module/." "$TMPDIR/$module" && cd "$TMPDIR/$module" || exit
    module=\${module%-*} module_version=\${module##*-}
    . ./dkms.conf
    [ -z "$PRE_BUILD" ] || eval "./$PRE_BUILD"
    command=\${MAKE[0]:-make -C $kernel_source_dir M=$PWD}
    eval "\${command/#make/make -j$(nproc) KERNELRELEASE=$kernelver}"
  )
done
`;

type Way = 'dkms' | 'dkms again' | 'kmodsort' | 'kmodsort again' | 'hook again' | 'make alone';

const once = (kernel: TestKernel, sources: readonly PackagedSource[], costs: Record<Way, Cost[]>): void => {
  const { release } = kernel;
  const [theirs, ours] = [newWorld(kernel, sources), newWorld(kernel, sources)];
  const dkms = inPlace(theirs, ['bash', dkmsScript(), 'autoinstall', '-k', release]);
  const labels = sources.map(({ name, version }) => `${name}-${version}`);
  const make = ['bash', '-c', bareMake, 'bash', release, `/lib/modules/${release}/build`, ...labels];
  try {
    costs.dkms.push(timed(theirs, dkms));
    costs['dkms again'].push(timed(theirs, dkms));
    const sync = inPlace(ours, commandLine(ours, ['sync', '-k', release]));
    costs.kmodsort.push(timed(ours, sync));
    costs['kmodsort again'].push(timed(ours, sync));
    const hook = inPlace(ours, commandLine(ours, ['hook', 'run', 'apt', 'postinst', release]));
    costs['hook again'].push(timed(ours, hook));
    costs['make alone'].push(timed(theirs, inPlace(theirs, make)));
  } finally {
    theirs.dispose();
    ours.dispose();
  }
};

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** Print a row for each way. */
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
    const [seconds, cpu] = [median(all.map((one) => one.seconds)), median(all.map((one) => one.cpu))];
    say(`${way.padEnd(20)} ${seconds.toFixed(1).padStart(7)} s   ${cpu.toFixed(1).padStart(7)} s of CPU`);
  }
};
