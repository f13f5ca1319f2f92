import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, refused } from './dkms-session.ts';
import { disorder, installedFile } from './installed.ts';

/** The contract's section on signing, with the kernel's own sign-file and openssl. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const newWorld = (settings: string): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  world.configure(settings);
  world.addModule('lonely');
  return world;
};

const always = 'try_sign_modules="true"\n';
const field = (path: string, name: string): string => run('modinfo', ['-F', name, path]).trim();
const build = (world: World, environment: Readonly<Record<string, string>> = {}): Promise<string> =>
  done(world, ['install', 'lonely/1.0', '-k', release], environment);
const objectOf = (world: World): string => installedFile(world, release, 'lonely');

/** A program that writes down its arguments. */
const recorder = (world: World, name: string, more = ''): { readonly path: string; readonly log: string } => {
  const path = join(world.root, 'programs', name);
  const log = join(world.root, `${name}.log`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "$*" >> ${log}\n${more}`);
  chmodSync(path, 0o755);
  return { path, log };
};

/** The bytes of an object, decompressed. */
const unpacked = (world: World, path: string): Buffer => {
  const copy = join(world.root, basename(path));
  copyFileSync(path, copy);
  if (path.endsWith('.xz')) run('xz', ['--decompress', '--force', copy]);
  return readFileSync(copy.replace(/\.xz$/, ''));
};

/** What binutils leave of it: the sections of the ELF file. */
const withoutSignature = (world: World, bytes: Buffer): Buffer => {
  const [from, to] = [join(world.root, 'signed'), join(world.root, 'plain')];
  writeFileSync(from, bytes);
  run('objcopy', [from, to]);
  return readFileSync(to);
};

describe.skipIf(provision.kind === 'missing')('signing', () => {
  it('makes a key of its own: RSA 2048, private, with a DER certificate for signing code, and signs with it', async () => {
    const world = newWorld(always);
    const said = await build(world);
    const [key, certificate] = ['mok.key', 'mok.pub'].map((name) => join(world.trees.dkmsTree, name));
    expect(said).toContain('created a key to sign modules with');
    expect(statSync(key ?? '').mode & 0o777).toBe(0o600);
    const shown = run('openssl', ['x509', '-inform', 'DER', '-in', certificate ?? '', '-noout', '-text']);
    expect(shown).toContain('Public-Key: (2048 bit)');
    expect(shown).toContain('Code Signing');
    expect(field(objectOf(world), 'signer')).not.toBe('');
    expect(field(objectOf(world), 'sig_hashalgo')).toBe('sha256');
  });

  it('uses the key that is there, and $kernelver in its path is the kernel', async () => {
    const world = newWorld(`${always}mok_signing_key="/dev/null"\n`);
    const directory = join(world.root, 'keys', release);
    mkdirSync(directory, { recursive: true });
    const [key, certificate] = [join(directory, 'k.pem'), join(directory, 'k.der')];
    run('openssl', [
      ...['req', '-new', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=ours of the test/'],
      ...['-outform', 'DER', '-keyout', key, '-out', certificate],
    ]);
    const place = join(world.root, 'keys', `\${kernelver}`);
    world.configure(`${always}mok_signing_key="${place}/k.pem"\nmok_certificate="${place}/k.der"\n`);
    await build(world);
    expect(field(objectOf(world), 'signer')).toBe('ours of the test');
  });

  it('touches no certificate whose key is missing: says so, and installs unsigned', async () => {
    const world = newWorld(always);
    await done(world, ['generate_mok']);
    const [key, certificate] = ['mok.key', 'mok.pub'].map((name) => join(world.trees.dkmsTree, name));
    const enrolled = readFileSync(certificate ?? '');
    const elsewhere = join(world.root, 'not-mounted', 'mok.key');
    world.configure(`${always}mok_signing_key="${elsewhere}"\n`);
    const said = await build(world);
    expect(said).toMatch(
      /is not signed: private key \S+not-mounted\/mok\.key not found, and its certificate \S+mok\.pub/,
    );
    expect(world.installedObjects(release)).toEqual(['lonely']);
    expect(existsSync(elsewhere)).toBe(false);
    expect(readFileSync(certificate ?? '').equals(enrolled)).toBe(true);
    await refused(world, ['generate_mok'], 1, /no key to sign modules with: private key \S+ not found/);
    expect(readFileSync(certificate ?? '').equals(enrolled)).toBe(true);
    expect(existsSync(key ?? '')).toBe(true);
  });

  it('makes a certificate for a key that has none, and leaves the key', async () => {
    const world = newWorld(always);
    await done(world, ['generate_mok']);
    const [key, certificate] = ['mok.key', 'mok.pub'].map((name) => join(world.trees.dkmsTree, name));
    const before = readFileSync(key ?? '');
    rmSync(certificate ?? '');
    await build(world);
    expect(readFileSync(key ?? '').equals(before)).toBe(true);
    expect(field(objectOf(world), 'signer')).not.toBe('');
  });

  it('says where key and certificate do not belong together, and installs unsigned', async () => {
    const world = newWorld(always);
    await done(world, ['generate_mok']);
    const key = join(world.trees.dkmsTree, 'mok.key');
    run('openssl', ['genrsa', '-out', key, '2048']);
    const said = await build(world);
    expect(said).toMatch(/is not signed: key values mismatch: \S+mok\.key and \S+mok\.pub/);
    expect(world.installedObjects(release)).toEqual(['lonely']);
  });

  it('is left out with try_sign_modules=false', async () => {
    const world = newWorld('try_sign_modules="false"\n');
    await build(world);
    expect(existsSync(join(world.trees.dkmsTree, 'mok.key'))).toBe(false);
    expect(field(objectOf(world), 'signer')).toBe('');
  });

  it('is left out where the configuration of the kernel knows no signatures', async () => {
    const world = newWorld(always);
    const config = readFileSync(join(kernels[0]?.headers ?? '', '.config'), 'utf8');
    const without = join(world.root, 'config');
    writeFileSync(without, config.replaceAll(/^CONFIG_MODULE_SIG.*\n/gm, ''));
    await done(world, ['install', 'lonely/1.0', '-k', release, '--config', without]);
    expect(field(objectOf(world), 'signer')).toBe('');
  });

  it('passes a pkcs11: key to sign-file as it is', async () => {
    const world = newWorld('');
    const sign = recorder(world, 'sign-file');
    world.configure(
      `${always}sign_file="${sign.path}"\nmok_signing_key="pkcs11:token=a;object=b"\nmok_certificate="${sign.path}"\n`,
    );
    await build(world);
    expect(readFileSync(sign.log, 'utf8')).toMatch(/^sha256 pkcs11:token=a;object=b /);
  });

  it('that fails is a warning, and the module is installed unsigned', async () => {
    const world = newWorld('');
    const sign = recorder(world, 'sign-file', 'exit 3\n');
    world.configure(`${always}sign_file="${sign.path}"\n`);
    const said = await build(world);
    expect(said).toMatch(/warning: lonely\/1\.0, \S+ is not signed/);
    expect(world.installedObjects(release)).toEqual(['lonely']);
  });

  it('tells how to enrol the certificate where Secure Boot is on and does not know it', async () => {
    const world = newWorld(always);
    const mokutil = recorder(
      world,
      'mokutil',
      'case $1 in --sb-state) echo "SecureBoot enabled" ;; *) echo "is not enrolled"; exit 0 ;; esac\n',
    );
    const said = await build(world, { PATH: `${dirname(mokutil.path)}:/usr/sbin:/usr/bin:/sbin:/bin` });
    expect(said).toContain('mokutil --import');
    expect(said.indexOf('mokutil --import')).toBeGreaterThan(0);
  });

  it('generate_mok makes the key once, and says so', async () => {
    const world = newWorld(always);
    expect(await done(world, ['generate_mok'])).toContain('created a key');
    const before = readFileSync(join(world.trees.dkmsTree, 'mok.key'));
    expect(await done(world, ['generate_mok'])).toContain('the key to sign modules with already exists');
    expect(readFileSync(join(world.trees.dkmsTree, 'mok.key')).equals(before)).toBe(true);
  });

  describe('with another key than before', () => {
    const words = (world: World, name: string): string => {
      const [key, certificate] = ['pem', 'der'].map((end) => join(world.root, `${name}.${end}`));
      return `${always}mok_signing_key="${key}"\nmok_certificate="${certificate}"\n`;
    };
    const makeKey = (world: World, name: string): void => {
      run('openssl', [
        ...['req', '-new', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${name}/`],
        ...['-outform', 'DER', '-keyout', join(world.root, `${name}.pem`), '-out', join(world.root, `${name}.der`)],
      ]);
    };
    /** Written anew by each build. */
    const buildOf = (world: World): string =>
      readFileSync(join(world.trees.dkmsTree, 'lonely/1.0', release, 'x86_64/log/make.log'), 'utf8');
    const sync = async (world: World): Promise<string> => {
      const { code, stdout, stderr } = await world.kmodsort(['sync', '-k', release]);
      expect(code, stdout + stderr).toBe(0);
      return stdout + stderr;
    };
    const compressed = (world: World, program: string): void => {
      const own = join(world.trees.installTree, release, 'kernel/drivers/misc', basename(kernels[0]?.inTree ?? ''));
      run(program, [own]);
      run('depmod', ['-b', world.root, release]);
    };

    it.each(['', '.xz'])('signs what is built anew, once, and builds nothing (.ko%s)', async (suffix) => {
      const world = newWorld('');
      if (suffix) compressed(world, 'xz');
      for (const name of ['first', 'second']) makeKey(world, name);
      world.configure(words(world, 'first'));
      await sync(world);
      expect(field(objectOf(world), 'signer')).toBe('first');
      const [before, plain] = [buildOf(world), unpacked(world, objectOf(world))];
      world.configure(words(world, 'second'));
      expect(await sync(world)).toContain('signing (changed: the key that signs modules)');
      expect(basename(objectOf(world))).toBe(`lonely.ko${suffix}`);
      expect(field(objectOf(world), 'signer')).toBe('second');
      expect(withoutSignature(world, unpacked(world, objectOf(world))).equals(withoutSignature(world, plain))).toBe(
        true,
      );
      expect(buildOf(world)).toBe(before);
      expect(await sync(world)).not.toContain('signing');
    });

    it('signs what could not be signed once it can be', async () => {
      const world = newWorld('');
      const broken = recorder(world, 'sign-file', 'exit 3\n');
      makeKey(world, 'ours');
      world.configure(`${words(world, 'ours')}sign_file="${broken.path}"\n`);
      expect(await sync(world)).toContain('is not signed');
      expect(field(objectOf(world), 'signer')).toBe('');
      expect(await sync(world)).not.toContain('signing');
      world.configure(words(world, 'ours'));
      expect(await sync(world)).toContain('signing (');
      expect(field(objectOf(world), 'signer')).toBe('ours');
    });

    it('leaves what is signed as it is where the new key does not work, says so, and does not go on about it', async () => {
      const world = newWorld('');
      for (const name of ['first', 'second']) makeKey(world, name);
      world.configure(words(world, 'first'));
      await sync(world);
      const before = readFileSync(objectOf(world));
      rmSync(join(world.root, 'second.pem'));
      world.configure(words(world, 'second'));
      expect(await sync(world)).toMatch(/is not signed: private key \S+second\.pem not found/);
      expect(readFileSync(objectOf(world)).equals(before)).toBe(true);
      expect(await sync(world)).not.toContain('is not signed');
      expect(disorder(world)).toEqual([]);
    });

    it('asks for no new key where the certificate is gone', async () => {
      const world = newWorld(always);
      await sync(world);
      for (const name of ['mok.key', 'mok.pub']) rmSync(join(world.trees.dkmsTree, name));
      const before = readFileSync(objectOf(world));
      await sync(world);
      expect(readFileSync(objectOf(world)).equals(before)).toBe(true);
    });

    it.each(['', '.xz'])('builds where what is in the tree is not what was built (.ko%s)', async (suffix) => {
      const world = newWorld('');
      if (suffix) compressed(world, 'xz');
      for (const name of ['first', 'second']) makeKey(world, name);
      world.configure(words(world, 'first'));
      await sync(world);
      const built = join(world.trees.dkmsTree, 'lonely/1.0', release, 'x86_64/module', `lonely.ko${suffix}`);
      appendFileSync(built, 'more');
      world.configure(words(world, 'second'));
      await sync(world);
      expect(field(objectOf(world), 'signer')).toBe('second');
      expect(unpacked(world, objectOf(world)).includes('more~')).toBe(false);
    });
  });
});
