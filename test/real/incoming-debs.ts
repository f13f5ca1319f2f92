import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TestKernel } from '../kernels.ts';
import type { World } from '../world.ts';
import { put } from './dkms-session.ts';

/** Packages that would be installed into a world. */

/** A .deb of these files, each a path and its text or a directory to copy. */
export const deb = (world: World, name: string, fill: (root: string) => void): string => {
  const root = join(world.root, 'pack', name);
  put(
    join(root, 'DEBIAN/control'),
    `Package: ${name}\nVersion: 1.0\nArchitecture: all\nMaintainer: a test <a@localhost>\nDescription: a test\n`,
  );
  fill(root);
  const file = join(world.root, `${name}.deb`);
  expect(spawnSync('dpkg-deb', ['--build', '-Znone', root, file]).status).toBe(0);
  return file;
};

/** The headers of a kernel as a package brings them: the link that leads to them. */
export const headersPackage = (world: World, kernel: TestKernel | undefined): string =>
  deb(world, `linux-headers-${kernel?.release}`, (root) => {
    const directory = join(root, 'lib/modules', kernel?.release ?? '');
    mkdirSync(directory, { recursive: true });
    symlinkSync(kernel?.headers ?? '', join(directory, 'build'));
  });

/** A kernel as its package brings it. */
export const imagePackage = (world: World, kernel: TestKernel | undefined): string =>
  deb(world, `linux-image-${kernel?.release}`, (root) => {
    put(join(root, 'boot', `vmlinuz-${kernel?.release}`), 'image\n');
    put(join(root, 'lib/modules', kernel?.release ?? '', 'modules.order'), '');
  });
