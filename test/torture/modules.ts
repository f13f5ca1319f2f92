import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestKernel } from '../kernels.ts';
import { makeWorld, type World } from '../world.ts';

/**
 * Real modules that take no time to build: made once by kbuild, and then copied by MAKE. `replacer` in two editions takes
 * the place of a module of the kernel's own; `lonely` stands beside.
 */

export interface Prebuilt {
  readonly kernel: TestKernel;
  /** The command of the C compiler that this kernel was built with, and that is therefore here. */
  readonly compiler: string;
  /** Label (`replacer-2.0`) to the object's bytes. */
  readonly objects: ReadonlyMap<string, Buffer>;
}

const built: readonly (readonly [string, string, string])[] = [
  ['replacer', '2.0', 'intree_demo'],
  ['replacer', '3.0', 'intree_demo'],
  ['lonely', '1.0', 'lonely'],
];

const objectIn = (world: World, label: string, release: string, object: string): Buffer => {
  const directory = join(world.trees.dkmsTree, label, release, 'x86_64', 'module');
  const [path] = world.files(directory).filter((file) => file.startsWith(`${object}.ko`));
  if (path !== `${object}.ko`) throw new Error(`${label} left ${path ?? 'nothing'} in ${directory}`);
  return readFileSync(join(directory, path));
};

const compilerOf = ({ headers }: TestKernel): string =>
  /^CONFIG_CC_VERSION_TEXT="(\S+)/m.exec(readFileSync(join(headers, '.config'), 'utf8'))?.[1] ?? 'cc';

/** Build all of them, each in its turn. */
export const prebuild = async (kernel: TestKernel): Promise<Prebuilt> => {
  const world = makeWorld({ kernels: [kernel], distribution: 'arch' });
  const objects = new Map<string, Buffer>();
  try {
    for (const [name, version, object] of built) {
      world.addModule(name, { version });
      const ended = await world.dkms(['build', `${name}/${version}`, '-k', kernel.release]);
      if (ended.code !== 0) throw new Error(`${name}/${version} was not built:\n${ended.stdout}${ended.stderr}`);
      objects.set(`${name}-${version}`, objectIn(world, `${name}/${version}`, kernel.release, object));
    }
    return { kernel, compiler: compilerOf(kernel), objects };
  } finally {
    world.dispose();
  }
};

/** Put the source of a prebuilt module into a world, unknown to the dkms tree yet. */
export const addPrebuilt = (world: World, { objects }: Prebuilt, name: string, version: string): void => {
  const [, , object] = built.find(([one, edition]) => one === name && edition === version) ?? ['', '', ''];
  const { directory } = world.addSource(name, { version });
  writeFileSync(join(directory, 'prebuilt'), objects.get(`${name}-${version}`) ?? '');
  const conf = join(directory, 'dkms.conf');
  const text = readFileSync(conf, 'utf8').replace(/^MAKE\[0\]=.*\n/m, '');
  writeFileSync(conf, `${text}MAKE[0]="cp prebuilt ${object}.ko"\n`);
};
