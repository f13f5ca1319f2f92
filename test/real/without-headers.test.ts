import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { missingPackages } from '../packages.ts';
import { ownHeaders, rewrite } from './doctored-headers.ts';
import { installedFile } from './installed.ts';
import { type LiveRegistry, missingRegistry, startRegistry } from './registry.ts';
import { artifactOf, asNewMachine, configure, makeKey, openShop, resign, type Shop, trust } from './shop.ts';

/** A machine that has a kernel, and neither its headers nor a compiler, takes what a builder has made for that very kernel. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const missing = provision.kind === 'ready' ? missingPackages(['openssh-client']) : 'there are no kernel headers';
if (missing) process.stderr.write(`tests of machines without headers are skipped: ${missing}\n`);

const only = 'prebuilt_policy="only"';
const version = '6.1.192-2';

/** Programs before the system's own: dpkg-query with the database of this world, compilers that say that they were run. */
const programs = ({ world }: Shop): string => join(world.root, 'programs');

const putProgram = (shop: Shop, name: string, text: string): void => {
  mkdirSync(programs(shop), { recursive: true });
  writeFileSync(join(programs(shop), name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(programs(shop), name), 0o755);
};

const compilers = ['gcc', 'gcc-12', 'cc', 'make', 'ld', 'strip'];

/** A database of dpkg in which packages of one version have these files. */
const install = (shop: Shop, files: Readonly<Record<string, string>>, of = version): void => {
  const database = join(shop.world.root, 'dpkg');
  rmSync(database, { recursive: true, force: true });
  mkdirSync(join(database, 'info'), { recursive: true });
  writeFileSync(join(database, 'info/format'), '1\n');
  const entries = Object.entries(files).map(([name, file]) => {
    writeFileSync(join(database, 'info', `${name}.list`), `${file}\n`);
    const fields = [
      'Maintainer: nobody <nobody@example.org>',
      'Architecture: all',
      `Version: ${of}`,
      'Description: none',
    ];
    return [`Package: ${name}`, 'Status: install ok installed', ...fields, ''].join('\n');
  });
  writeFileSync(join(database, 'status'), `${entries.join('\n')}\n`);
  putProgram(shop, 'dpkg-query', `exec /usr/bin/dpkg-query --admindir=${database} "$@"`);
};

const build = ({ world }: Shop): string => join(world.trees.installTree, release, 'build');

/** The builder has the headers alone, as one that builds for others may. */
const asBuilder = (shop: Shop, of = version): void =>
  install(shop, { [`linux-headers-${release}`]: join(realpathSync(build(shop)), 'Makefile') }, of);

/** Another machine: the kernel is there, and nothing that builds for it. */
const asNode = async (shop: Shop, of = version, names: readonly string[] = ['low', 'high']): Promise<void> => {
  await asNewMachine(shop, names);
  rmSync(build(shop), { recursive: true, force: true });
  const file = join(shop.world.trees.installTree, release, 'modules.builtin');
  install(shop, { [`linux-image-${release}`]: file }, of);
  for (const name of compilers) putProgram(shop, name, `echo "$0 was run" >&2; exit 1`);
};

const path = (shop: Shop) => ({ env: { PATH: `${programs(shop)}:/usr/sbin:/usr/bin:/sbin:/bin` } });

const told = async (
  shop: Shop,
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> => {
  const { code, stdout, stderr } = await shop.world.kmodsort(words, path(shop));
  return { code: code ?? -1, said: `${stdout}${stderr}` };
};

/** What a builder has pushed. */
const pushed = async (more = '', before: (shop: Shop) => void = () => undefined): Promise<Shop> => {
  const shop = await openShop(kernels, more, 'debian');
  before(shop);
  asBuilder(shop);
  const built = await told(shop, 'sync');
  expect(built.said).toContain('2 installed');
  const { code, said } = await told(shop, 'push');
  expect(said).toContain('2 pushed');
  expect(said).not.toContain('with headers only');
  expect(code).toBe(0);
  return shop;
};

const tagOf = ({ directory }: Shop, name: string): string =>
  readdirSync(join(directory, name)).find((one) => one.startsWith('kernel-')) ?? '';

describe.skipIf(missing !== undefined)('a machine without headers', () => {
  it('takes what was built for its kernel, in order, and it will load', async () => {
    const shop = await pushed();
    const { world, directory } = shop;
    expect(tagOf(shop, 'low')).toMatch(/^kernel-[0-9a-f]{64}$/);
    expect(readlinkSync(join(directory, 'low', tagOf(shop, 'low')))).toMatch(/^[0-9a-f]{64}$/);
    expect((await told(shop, 'push')).said).toContain('2 already there');
    await asNode(shop);
    configure(shop, only);
    const { code, said } = await told(shop, 'sync', '--verbose');
    for (const name of ['low', 'high'])
      expect(said).toMatch(new RegExp(` {2}installed {2}${name}/1\\.0 +\\S+ +prebuilt by ci@example\\.org`));
    expect(said).not.toMatch(/was run|running make|warning/);
    expect(code).toBe(0);
    expect(readFileSync(installedFile(world, release, 'high')).length).toBeGreaterThan(1000);
    expect(await told(shop, 'plan')).toMatchObject({ code: 0, said: expect.stringContaining('nothing to do') });
    const verified = await told(shop, 'verify');
    expect(verified.said).toMatch(/2 objects will load/);
    expect(verified.code).toBe(0);
    // Out of the store, also where the registry is gone.
    rmSync(directory, { recursive: true });
    await world.dkms(['unbuild', 'low/1.0', '--all']);
    expect((await told(shop, 'sync')).said).toMatch(/installed {2}low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
  });

  it('has it as soon as the kernel is installed, before the rest of the transaction', async () => {
    const shop = await pushed();
    await asNode(shop);
    configure(shop, only);
    const { stdout } = await shop.world.hook(['apt', 'postinst', release], [], path(shop));
    expect(stdout).toMatch(/ {2}installed {2}high\/1\.0 +\S+ +prebuilt by/);
  });

  it('says what a builder has to do where there is none, and tries again', async () => {
    const shop = await pushed();
    await asNode(shop, '6.1.193-1');
    configure(shop, `${only}\nrequired_modules="low"`);
    const { code, said } = await told(shop, 'sync');
    expect(said).toMatch(/FAILED {5}low\/1\.0 +\S+ +no prebuilt build: \S+\/low\/kernel-[0-9a-f]{64}\n/);
    expect(said).toContain(`help   on a builder: kmodsort sync -k ${release} && kmodsort push -k ${release} low/1.0\n`);
    expect(said).toContain(`do not reboot into ${release}: required modules are missing: low`);
    expect(code).not.toBe(0);
    await asNode(shop);
    const hook = await shop.world.hook(['apt', 'postinst', release], [], path(shop));
    expect(hook.stdout).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by/);
  });

  it('says as ever that there are no headers where it would rather build, and takes what is there', async () => {
    const shop = await pushed();
    await asNode(shop, '6.1.193-1');
    const { said } = await told(shop, 'sync');
    expect(said).toMatch(new RegExp(`FAILED {5}low/1\\.0 +\\S+ +kernel headers for ${release} not found`));
    await asNode(shop);
    expect((await told(shop, 'sync')).said).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by/);
  });

  it('notices an update of the kernel under the same release, and keeps what it has until there is a build', async () => {
    const shop = await pushed();
    await asNode(shop);
    configure(shop, only);
    await told(shop, 'sync');
    install(
      shop,
      { [`linux-image-${release}`]: join(shop.world.trees.installTree, release, 'modules.builtin') },
      '6.2-1',
    );
    const { said } = await told(shop, 'sync');
    expect(said).toMatch(/FAILED {5}low\/1\.0 +\S+ +no prebuilt build/);
    expect(said).toContain('is still installed and will load');
    expect((await told(shop, 'why', 'low')).said).toContain('kernel package');
  });

  it('refuses a build for another version of the kernel in the place of this one', async () => {
    const shop = await pushed();
    const wanted = tagOf(shop, 'low');
    const place = join(shop.directory, 'low');
    await asNode(shop, '6.1.193-1');
    configure(shop, only);
    const asked = /kernel-[0-9a-f]{64}/.exec((await told(shop, 'sync')).said)?.[0] ?? '';
    expect(asked).not.toBe(wanted);
    rmSync(join(place, asked), { force: true });
    symlinkSync(readlinkSync(join(place, wanted)), join(place, asked));
    const { said } = await told(shop, 'sync');
    expect(said).toContain(`the prebuilt build is refused: ${join(place, asked)}`);
    expect(said).toContain(
      `it is another build: low/1.0, ${release}/x86_64, built for dpkg: linux-headers-${release} ${version}`,
    );
  });

  it('refuses what is not signed by a builder that is listed', async () => {
    const shop = await pushed();
    const stranger = makeKey(shop.world, 'stranger');
    rmSync(join(shop.directory, 'low', tagOf(shop, 'low')));
    const artifact = artifactOf(shop, 'low');
    resign(shop, 'low', (text) => text, stranger);
    await asNode(shop);
    configure(shop, only);
    const asked = /kernel-[0-9a-f]{64}/.exec((await told(shop, 'sync')).said)?.[0] ?? '';
    symlinkSync(artifact, join(shop.directory, 'low', asked));
    expect((await told(shop, 'sync')).said).toMatch(
      /refused: \S+\n +signed with SHA256:\S{43}, which \S+ does not list/,
    );
    trust(shop);
  });

  it('refuses what was built with other versions of symbols than the modules of its kernel', async () => {
    const shop = await pushed('', (one) => {
      const headers = ownHeaders(one.world, release);
      rewrite(join(headers, 'Module.symvers'), [[/^0x[0-9a-f]{8}(?=\tmodule_layout\t)/m, '0x12345678']]);
    });
    await asNode(shop);
    configure(shop, only);
    const { said } = await told(shop, 'sync');
    expect(said).toMatch(
      /the prebuilt build is refused: \S+\n +disagrees about version of symbol module_layout \(built for CRC 0x12345678, the kernel has 0x[0-9a-f]{8}\)/,
    );
    expect(said).toMatch(/blocked +high/);
  });

  it('says how many symbols nobody could compare', async () => {
    const shop = await openShop(kernels, '', 'debian');
    const file = join(shop.world.trees.sourceTree, 'low-1.0/low.c');
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .replace('#include <linux/module.h>', '#include <linux/module.h>\n#include <linux/kernel.h>')
        .replace('	return 1', '	return (int)simple_strtol("7", NULL, 10)'),
    );
    asBuilder(shop);
    await told(shop, 'sync');
    await told(shop, 'push');
    await asNode(shop);
    configure(shop, only);
    const { code, said } = await told(shop, 'sync');
    expect(said).toMatch(/low\/1\.0, \S+: 1 of \d+ symbols could not be checked without the kernel's headers\n/);
    expect(code).toBe(0);
    expect((await told(shop, 'verify')).said).toMatch(/ {2}low\/1\.0: 1 of \d+ symbols could not be checked/);
  });

  it('gets nothing where no package has the kernel, and push says whom a build is for', async () => {
    const shop = await openShop(kernels, '', 'debian');
    install(shop, {});
    await told(shop, 'sync');
    const { said } = await told(shop, 'push');
    expect(said).toContain(
      `for machines with headers only: ${release}: no package of its headers was known at the build`,
    );
    expect(tagOf(shop, 'low')).toBe('');
    await asNode(shop);
    install(shop, {});
    configure(shop, only);
    expect((await told(shop, 'sync')).said).toContain(`no package has the kernel ${release}`);
  });

  it('gets the later one of two builds with one kernel tag, and push does not go to and fro', async () => {
    const shop = await pushed();
    const first = readlinkSync(join(shop.directory, 'low', tagOf(shop, 'low')));
    // Headers of the same version, in which somebody has changed a byte.
    appendFileSync(join(ownHeaders(shop.world, release), 'include/generated/autoconf.h'), '\n');
    asBuilder(shop);
    expect((await told(shop, 'sync')).said).toContain('2 installed');
    expect((await told(shop, 'push')).said).toContain('2 pushed, 2 already there');
    const second = readlinkSync(join(shop.directory, 'low', tagOf(shop, 'low')));
    expect(second).not.toBe(first);
    expect((await told(shop, 'push')).said).toContain(': 4 already there');
    expect(readlinkSync(join(shop.directory, 'low', tagOf(shop, 'low')))).toBe(second);
  });

  it('goes by the key where it has the headers', async () => {
    const shop = await pushed();
    rmSync(join(shop.directory, 'low', tagOf(shop, 'low')));
    await asNewMachine(shop);
    configure(shop, only);
    expect((await told(shop, 'sync')).said).toMatch(/installed {2}low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
  });
});

const noRegistry = missing ?? missingPackages(['skopeo']) ?? missingRegistry();
if (!missing && noRegistry) process.stderr.write(`tests of a registry are skipped: ${noRegistry}\n`);

describe.skipIf(noRegistry !== undefined)('a registry', () => {
  const live: LiveRegistry[] = [];

  afterAll(() => {
    for (const one of live) one.stop();
  });

  it('has one image under two tags, and gives it to a machine without headers', async () => {
    const shop = await openShop(kernels, '', 'debian');
    const registry = await startRegistry(join(shop.world.root, 'registry'), shop.world.root);
    live.push(registry);
    const there = `prebuilt="${registry.host}/kmods"`;
    configure(shop, there);
    asBuilder(shop);
    await told(shop, 'sync');
    expect((await told(shop, 'push')).said).toContain(': 2 pushed\n');
    expect((await told(shop, 'push')).said).toContain(': 2 already there\n');
    await asNode(shop);
    configure(shop, `${there}\n${only}`);
    const { code, said } = await told(shop, 'sync');
    for (const name of ['low', 'high'])
      expect(said).toMatch(new RegExp(` {2}installed {2}${name}/1\\.0 +\\S+ +prebuilt by ci@example\\.org`));
    expect(code).toBe(0);
  });
});
