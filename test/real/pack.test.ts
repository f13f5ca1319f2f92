import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { missingPackages, run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';

/** Packages of built modules, looked at with the package managers' own tools. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 2) : [];
const release = kernels[0]?.release ?? '';
const tools = ['dpkg', 'rpm', 'libarchive-tools', 'zstd', 'gzip'];
const missing = provision.kind === 'ready' ? missingPackages(tools) : 'there are no kernel headers';
if (missing) process.stderr.write(`tests of packages of modules are skipped: ${missing}\n`);

const said = (command: string, ...args: string[]): string => run(command, args);
const files = (directory: string): string[] => readdirSync(directory).sort();

describe.skipIf(missing !== undefined || process.arch !== 'x64')('packages of built modules', () => {
  let world: World;
  const out = (name: string): string => join(world.root, name);
  const pack = (...words: readonly string[]) => world.kmodsort(['pack', '-k', release, ...words]);
  const lowName = `kmod-low-${release}`;
  const fileOf = (directory: string, start: string): string => {
    const found = files(directory).find((name) => name.startsWith(start));
    if (!found) throw new Error(`${directory} has no ${start}`);
    return join(directory, found);
  };

  beforeAll(async () => {
    world = disposableWorld({ kernels });
    generate(world, 'low');
    generate(world, 'high_Er', { depends: ['low'], version: 'v2.0-rc1' });
    const synced = await world.kmodsort(['sync', ...kernels.flatMap((kernel) => ['-k', kernel.release])]);
    expect(synced.code, synced.stdout + synced.stderr).toBe(0);
  });

  it('deb: the module asked for and what it was built on, whole and with exact relations', async () => {
    const directory = out('deb');
    const ended = await pack('--deb', '-o', directory, 'high_Er');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(
      new RegExp(
        `^kmodsort: 2 packages in ${directory}\n  packed  ${lowName}_1\\.0-\\d{14}_amd64\\.deb .*\n  packed  kmod-high-er-${release}_2\\.0-rc1-\\d{14}_amd64\\.deb `,
      ),
    );
    const [low, high] = [fileOf(directory, lowName), fileOf(directory, 'kmod-high')];
    const field = (file: string, name: string): string => said('dpkg-deb', '--field', file, name).trim();
    const abi = field(low, 'Provides').split(', ')[0] ?? '';
    expect(abi).toMatch(new RegExp(`^${lowName}-abi-[0-9a-f]{12}$`));
    expect(field(high, 'Depends')).toBe(`linux-image-${release}, kmod, ${lowName}, ${abi}`);
    expect(field(high, 'Conflicts')).toBe('high-er-dkms');
    const listing = said('dpkg-deb', '--contents', high);
    expect(listing).toMatch(
      new RegExp(`^-rw-r--r-- root/root .* \\./usr/lib/modules/${release}/updates/dkms/high_Er\\.ko$`, 'm'),
    );
    expect(listing.split('\n').filter((line) => line && !/ root\/root /.test(line))).toEqual([]);
  });

  it('what is in a package is what is installed here: signed, and compressed as the modules of its kernel', async () => {
    const directory = out('same');
    for (const { release: one } of kernels) {
      const ended = await world.kmodsort(['pack', '-k', one, '--deb', '-o', directory, 'low']);
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout).not.toContain('not signed');
      const root = out(`root-${one}`);
      said('dpkg-deb', '-x', fileOf(directory, `kmod-low-${one}`), root);
      const built = join(world.trees.dkmsTree, 'low/1.0', one, 'x86_64/module');
      const object = files(built).find((name) => /^low\.ko/.test(name)) ?? '';
      const packed = join(root, 'usr/lib/modules', one, 'updates/dkms');
      expect(files(packed)).toEqual([object]);
      expect(readFileSync(join(packed, object)).equals(readFileSync(join(built, object))), object).toBe(true);
    }
    const endings = kernels.map(({ inTree }) => inTree.replace(/.*\.ko/, ''));
    // One of the two kernels has compressed modules.
    expect(endings).toEqual(['', '.xz']);
  });

  it('without a key the modules are not signed, and it is told', async () => {
    world.configure('try_sign_modules="false"\n');
    const ended = await pack('--deb', '-o', out('unsigned'), 'low');
    world.configure('');
    expect(ended.stdout).toMatch(/ KiB {2}modules not signed\n/);
  });

  it.skipIf(!canMount())('where there is no room nothing is left, and it is told', async () => {
    const directory = out('small');
    mountAt(directory, 'size=4k');
    const ended = await pack('--rpm', '-o', directory, 'low');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('FAILED: no space left on device: ');
    expect(files(directory)).toEqual([]);
    unmountAll();
  });

  it('ended by a signal it leaves nothing', async () => {
    const live = world.kmodsortStart(['pack', '-k', release, '--deb', '-o', out('ended')]);
    setTimeout(() => live.child.kill('SIGTERM'), 300);
    const ended = await live.ended;
    expect(ended.code).not.toBe(0);
    expect(existsSync(out('ended'))).toBe(false);
    expect(files(join(world.root, 'tmp'))).toEqual([]);
  });

  it.each([
    ['--deb', '.deb'],
    ['--rpm', '.rpm'],
  ])('%s: twice the same bytes, and the second time nothing is written', async (format, ending) => {
    const [one, two] = [out(`one${ending}`), out(`two${ending}`)];
    const ended = await pack(format, '-o', one);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await pack(format, '-o', two);
    expect(files(one)).toHaveLength(2);
    for (const name of files(one)) {
      expect(name.endsWith(ending)).toBe(true);
      expect(readFileSync(join(two, name)).equals(readFileSync(join(one, name))), name).toBe(true);
    }
    const before = files(one).map((name) => statSync(join(one, name)).ino);
    expect((await pack(format, '-o', one)).stdout.match(/already there/g)).toHaveLength(2);
    expect(files(one).map((name) => statSync(join(one, name)).ino)).toEqual(before);
  });

  it('rpm: relations, scriptlets and files as rpm reads them', async () => {
    const directory = out('rpm');
    await pack('--rpm', '-o', directory);
    const high = fileOf(directory, 'kmod-high');
    const requires = said('rpm', '-qp', '--requires', high).split('\n');
    expect(requires).toContain(`kernel-${release}`);
    expect(requires.some((line) => line.startsWith(`${lowName}-abi-`))).toBe(true);
    expect(said('rpm', '-qpl', high)).toBe(
      `/usr/lib/modules/${release}/extra\n/usr/lib/modules/${release}/extra/high_Er.ko\n`,
    );
    expect(said('rpm', '-qp', '--scripts', high)).toContain(`depmod -a ${release}`);
    expect(said('rpm', '-qp', '--qf', '%{VERSION} %{ARCH} %{LICENSE}', high)).toBe('2.0.rc1 x86_64 GPL');
  });

  it('builds that the store does not have are refused with what helps', async () => {
    const ended = await pack('--deb', '-o', out('none'), 'nobody', 'low/9');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe(
      ['nobody', 'low/9']
        .map(
          (name) =>
            `kmodsort: FAILED: the store has no such build: ${name}, ${release}\n  help  kmodsort sync -k ${release}, or where that kernel is not installed: kmodsort try -k ${release}\n`,
        )
        .join(''),
    );
    const other = await world.kmodsort(['pack', '-k', '1.2.3', '--deb']);
    expect({ code: other.code, text: other.stdout.split('\n')[0] }).toEqual({
      code: 1,
      text: 'kmodsort: FAILED: the store has no such build: 1.2.3',
    });
  });

  it('pacman: refused where nobody knows the package of the kernel', async () => {
    const ended = await pack('--pacman', '-o', out('arch'), 'low');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe(
      `kmodsort: FAILED: cannot tell which package brings the kernel: ${release}\n  help  pack on a machine on which this kernel is installed\n`,
    );
  });

  it('a dry run names the packages and makes none', async () => {
    const ended = await pack('--deb', '-o', out('dry'), '--dry-run', 'low');
    expect(ended.stdout).toMatch(new RegExp(`  to be packed  ${lowName}_1\\.0-\\d{14}_amd64\\.deb\n`));
    expect(spawnSync('test', ['-e', out('dry')]).status).toBe(1);
  });

  it('a directory that cannot be one is told, and nothing is left beside it', async () => {
    writeFileSync(out('file'), '');
    const ended = await pack('--deb', '-o', join(out('file'), 'below'), 'low');
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/FAILED: cannot write the archive: .*\/file\/below\/kmod-low-\S+\.deb: EEXIST/);
    expect(files(join(world.root, 'tmp'))).toEqual([]);
  });
});
