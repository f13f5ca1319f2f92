import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { provisionKernels, repository, type TestKernel } from './kernels.ts';
import { packagedSource } from './module-packages.ts';
import { isRoot, missingPackages, run } from './packages.ts';
import { shellLine } from './real/start-program.ts';
import { terminalSvg } from './terminal-svg.ts';
import { makeWorld, type World } from './world.ts';

/**
 * The pictures of the documentation: a real failing run at a real terminal, and a real plan. Debian 12's own modules,
 * for its kernel and for the one of its backports, which some of them were not written for.
 */

const packages = ['acpi-call', 'bbswitch', 'dm-writeboost', 'west-chamber', 'xtables-addons'];
const screen = { columns: 120, rows: 40 };

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

/** The trees of a world where a machine has them, in a mount namespace of their own. */
const inPlace = (world: World): string => {
  const { dkmsTree, sourceTree, installTree, confDir, stateDir } = world.trees;
  const over = (top: string): string => {
    const [upper, work] = ['upper', 'work'].map((kind) => join(world.root, 'over', top, kind));
    for (const directory of [upper, work]) mkdirSync(directory ?? '', { recursive: true });
    return `mount -t overlay -o lowerdir=${top},upperdir=${upper},workdir=${work} overlay ${top}`;
  };
  const places: readonly (readonly [string, string])[] = [
    [dkmsTree, '/var/lib/dkms'],
    [stateDir, '/var/lib/kmodsort'],
    [sourceTree, '/usr/src'],
    [installTree, '/usr/lib/modules'],
    [confDir, '/etc/dkms'],
  ];
  const binds = places.map(([from, to]) => `mkdir -p ${from} ${to} && mount --bind ${from} ${to}`);
  return [...['/var/lib', '/etc', '/usr/lib', '/usr/src'].map(over), ...binds].join(' && ');
};

/** A line of shell run there; `kmodsort` is the program that was built. */
const viewed = (world: World, line: string): string[] => {
  const bin = join(world.root, 'bin');
  const path = `export PATH=${shellLine([bin])}:$PATH TERM=screen`;
  return ['unshare', '--mount', 'sh', '-c', `${inPlace(world)} && ${path} && cd / && ${line}`];
};

const newWorld = (kernels: readonly TestKernel[]): World => {
  const world = makeWorld({ kernels, distribution: 'debian' });
  for (const name of packages) {
    const source = packagedSource(`${name}-dkms`);
    cpSync(source.directory, join(world.trees.sourceTree, `${source.name}-${source.version}`), { recursive: true });
    world.register(source.name, source.version);
  }
  // It reads the other's source, and does not say so.
  writeFileSync(join(world.trees.confDir, 'west-chamber.conf'), 'BUILD_DEPENDS[0]="xtables-addons"\n');
  mkdirSync(join(world.root, 'bin'));
  symlinkSync(join(repository, 'dist/kmodsort.mjs'), join(world.root, 'bin/kmodsort'));
  return world;
};

interface Photographs {
  /** When the command has ended, with its colours. */
  readonly shown: string;
  /** A while before. */
  readonly onTheWay: string;
}

/** What stands on a terminal. */
const photograph = async (world: World, command: string): Promise<Photographs> => {
  const [ended, moments]: [string, string[]] = [join(world.root, `ended-${command.replaceAll(/\W/g, '-')}`), []];
  const tmux = (...words: readonly string[]): string =>
    run('tmux', ['-S', join(world.root, 'tmux'), '-f', '/dev/null', ...words]);
  const line = `printf '# %s\\n' ${shellLine([command])}; ${command}; touch ${ended}; exec sleep 1000`;
  const size = ['-x', String(screen.columns), '-y', String(screen.rows)];
  tmux('new-session', '-d', ...size, shellLine(viewed(world, line)));
  try {
    while (spawnSync('test', ['-e', ended]).status !== 0) {
      moments.push(tmux('capture-pane', '-p'));
      await setTimeout(500);
    }
    const shown = tmux('capture-pane', '-e', '-p', '-S', '-');
    return { shown, onTheWay: moments[Math.floor(moments.length / 2)] ?? '' };
  } finally {
    tmux('kill-server');
  }
};

const main = async (): Promise<number> => {
  const provision = provisionKernels();
  const missing = provision.kind === 'missing' ? provision.why : missingPackages(['tmux', 'graphviz']);
  if (!isRoot() || missing || provision.kind === 'missing') {
    say(`pictures: ${missing ?? 'only root can mount'}`);
    return 1;
  }
  const [older, newer] = provision.kernels;
  const world = newWorld(provision.kernels);
  try {
    const at = (words: string): string => {
      const [program = '', ...rest] = viewed(world, words);
      return spawnSync(program, rest, { encoding: 'utf8' }).stdout;
    };
    at(`kmodsort sync -k ${older?.release}`);
    const dot = at(`kmodsort plan --dot -k ${newer?.release}`);
    const { stdout: plan } = spawnSync('dot', ['-Tsvg'], { input: dot, encoding: 'utf8' });
    const titled = plan.replace(/<svg[^>]*>/, '$&\n<title>A plan; its longest chain is bold</title>');
    writeFileSync(join(repository, 'docs/plan.svg'), titled);
    const { shown, onTheWay } = await photograph(world, `kmodsort sync -k ${newer?.release}`);
    const title = 'kmodsort sync at a terminal: modules that were installed, one that failed, and what to do';
    writeFileSync(join(repository, 'docs/failing-run.svg'), terminalSvg(shown, screen.columns, title));
    for (const text of [at(`kmodsort plan -k ${newer?.release}`), onTheWay, shown]) say(text);
    say((await photograph(world, 'kmodsort status')).shown);
  } finally {
    world.dispose();
  }
  return 0;
};

process.exit(await main());
