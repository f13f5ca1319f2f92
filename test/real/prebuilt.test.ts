import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isRoot, missingPackages, run } from '../packages.ts';
import type { World } from '../world.ts';
import { done } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { disorder, installedFile } from './installed.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';
import { type LiveRegistry, letInsecure, missingRegistry, startRegistry } from './registry.ts';
import {
  addBlob,
  artifactOf,
  artifactsOf,
  asNewMachine,
  blobFile,
  configure,
  hash,
  makeKey,
  openShop,
  publicKey,
  remake,
  resign,
  type Shop,
  sign,
  statementOf,
  storeOf,
  sync,
  trust,
} from './shop.ts';

/** What one machine has built another takes, out of a directory or a registry, and nothing that is not what was signed. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const missing =
  provision.kind === 'ready' ? missingPackages(['openssh-client', 'skopeo']) : 'there are no kernel headers';
if (missing) process.stderr.write(`tests of prebuilt builds are skipped: ${missing}\n`);
const isReady = missing === undefined;

/** The Builder signs another layer in the place of what was built. */
const resignLayer = (shop: Shop, pack: (directory: string) => void, edit: (text: string) => string): void => {
  const place = join(shop.world.root, 'packing');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  pack(place);
  const bytes = readFileSync(join(place, 'layer.tar'));
  resign(shop, 'low', (text, manifest) => {
    const [layer] = manifest.layers;
    if (!layer) throw new Error('no layer');
    const before = { ...layer };
    Object.assign(layer, addBlob(artifactOf(shop, 'low'), bytes), {
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
    });
    return edit(text)
      .replace(before.digest.replace('sha256:', ''), layer.digest.replace('sha256:', ''))
      .replace(`"size": ${before.size}`, `"size": ${layer.size}`);
  });
};

/** The Builder signs another object in the place of low's. */
const resignObject = (shop: Shop, bytes: Buffer): void =>
  resignLayer(
    shop,
    (place) => {
      mkdirSync(join(place, 'module'));
      writeFileSync(join(place, 'module/low.ko'), bytes);
      run('tar', ['-C', place, '-cf', join(place, 'layer.tar'), './module']);
    },
    (text) =>
      text
        .replace(/("sha256": ")[0-9a-f]{64}/, `$1${hash(bytes)}`)
        .replace(/("result": ")[0-9a-f]{64}/, `$1${hash(`${hash(bytes)}\0`)}`),
  );

describe.skipIf(!isReady)('a directory of prebuilt builds', () => {
  it('gives another machine what one has built, in order, signed there', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    await sync(shop);
    expect((await world.kmodsort(['push', '--dry-run'])).stdout).toContain(': 2 to be pushed\n');
    expect(artifactsOf(shop.directory)).toEqual([]);
    const pushed = await world.kmodsort(['push']);
    expect(pushed.stdout).toMatch(
      /^kmodsort: 2 builds for \S+\/share, signed with SHA256:\S{43}: 2 pushed\n {2}pushed {2}low\/1\.0 {3}\S+ {2}[\d.]+ KiB {2}\S+\/share\/low\/[0-9a-f]{64}\n {2}pushed {2}high/,
    );
    expect(pushed.code).toBe(0);
    const again = await world.kmodsort(['push', 'low', '-k', release]);
    expect(again.stdout).toMatch(/: 1 already there\n {2}already there {2}low\/1\.0/);
    await asNewMachine(shop);
    const said = await world.kmodsort(['sync', '--verbose']);
    expect(said.stdout).toMatch(/low\/1\.0, \S+: fetching the prebuilt build/);
    expect(said.stdout).not.toContain('running make');
    for (const name of ['low', 'high'])
      expect(said.stdout).toMatch(
        new RegExp(
          ` {2}installed {2}${name}/1\\.0 +\\S+ +prebuilt by ci@example\\.org \\(built \\d{4}-\\d\\d-\\d\\d in [\\d.]+ s\\)`,
        ),
      );
    expect(said.code).toBe(0);
    expect((await world.kmodsort(['verify'])).code).toBe(0);
    expect((await world.kmodsort(['plan'])).stdout).toContain('nothing to do');
    expect(disorder(world)).toEqual([]);
    expect((await world.kmodsort(['store'])).stdout).toMatch(/^low\/1\.0 .* by ci@example\.org {2}/m);
    // From now on it is in the store, and nobody passes on what another has made.
    await done(world, ['unbuild', 'low/1.0', '--all']);
    rmSync(shop.directory, { recursive: true });
    expect(await sync(shop)).toMatch(/low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
    mkdirSync(shop.directory);
    expect((await world.kmodsort(['push'])).stdout).toMatch(/2 skipped\n {2}skipped .* another builder has made it/);
  });

  it('builds what it does not have, and says so', async () => {
    const shop = await openShop(kernels);
    const said = await sync(shop);
    expect(said).toMatch(/low\/1\.0, \S+: no prebuilt build, building here: \S+\/share\/low\/[0-9a-f]{64}\n/);
    expect(said).toContain('2 installed');
  });

  it('keeps nothing with store_size="0"', async () => {
    const shop = await openShop(kernels);
    await sync(shop);
    await shop.world.kmodsort(['push']);
    await asNewMachine(shop);
    configure(shop, 'store_size="0"');
    expect(await sync(shop)).toMatch(/low\/1\.0 +\S+ +prebuilt by/);
    expect(storeOf(shop)).toEqual([]);
  });

  it('is asked by hooks and trials, too', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    await sync(shop);
    await world.kmodsort(['push']);
    await asNewMachine(shop);
    const said = await world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
    expect(said.stdout).toMatch(/ {2}installed {2}high\/1\.0 +\S+ +prebuilt by ci@example\.org/);
    await asNewMachine(shop);
    if (!canMount()) return;
    const tried = await world.kmodsort(['try', '-k', release]);
    expect(tried.stdout).toMatch(/ {2}ready {6}high\/1\.0 +\S+ +prebuilt by ci@example\.org/);
    rmSync(shop.directory, { recursive: true });
    expect(await sync(shop)).toMatch(/ {2}installed {2}high\/1\.0 +\S+ +prebuilt by ci@example\.org/);
  });

  it('may be what a builder signs for a fleet, which keeps its signatures', async () => {
    const signing = 'try_sign_modules="true"';
    const shop = await openShop(kernels, `${signing}\nkeep_signatures="yes"`);
    const { world } = shop;
    const signer = (): string => run('modinfo', ['-F', 'sig_key', installedFile(world, release, 'low')]).trim();
    await sync(shop);
    const first = signer();
    expect(first).toMatch(/^[0-9A-F:]+$/);
    await world.kmodsort(['push']);
    await asNewMachine(shop);
    expect(await sync(shop)).toMatch(/prebuilt by ci@example\.org/);
    expect(signer()).toBe(first);
    expect((await world.kmodsort(['verify'])).code).toBe(0);
    await done(world, ['generate_mok']);
    expect((await world.kmodsort(['plan'])).stdout).toContain('nothing to do');
    // Out of the Store as well.
    await done(world, ['unbuild', 'low/1.0', '--all']);
    await sync(shop);
    expect(signer()).toBe(first);
    configure(shop, signing);
    expect(await sync(shop)).toMatch(/signing \(changed: the key that signs modules\)/);
    expect(signer()).not.toBe(first);
    expect((await world.kmodsort(['plan'])).stdout).toContain('nothing to do');
  });

  it('is pushed without signatures where there are none, and says so', async () => {
    const shop = await openShop(kernels, 'keep_signatures="yes"');
    await sync(shop);
    for (const name of ['high', 'low']) await done(shop.world, ['unbuild', `${name}/1.0`, '--all']);
    const { stdout } = await shop.world.kmodsort(['push', 'low/1.0']);
    expect(stdout).toMatch(/: 1 pushed\n {2}pushed .*\(without module signatures: it is not built and signed here\)\n/);
  });

  it('has builds of several builders, also of those whom an authority has certified', async () => {
    const shop = await openShop(kernels);
    const { world, key } = shop;
    await sync(shop);
    await world.kmodsort(['push']);
    const [second, authority] = [makeKey(world, 'second'), makeKey(world, 'authority')];
    writeFileSync(shop.signers, `ci@example.org ${publicKey(key)}\n2@example.org ${publicKey(second)}\n`);
    await asNewMachine(shop);
    resign(shop, 'high', (text) => text, second);
    const said = await sync(shop);
    expect(said).toMatch(/low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
    expect(said).toMatch(/high\/1\.0 +\S+ +prebuilt by 2@example\.org/);
    run('ssh-keygen', ['-q', '-s', authority, '-I', 'second', '-n', '3@example.org', `${second}.pub`]);
    writeFileSync(shop.signers, `*@example.org cert-authority ${publicKey(authority)}\n`);
    resign(shop, 'high', (text) => text, `${second}-cert.pub`);
    configure(shop);
    await asNewMachine(shop);
    const certified = await sync(shop);
    expect(certified).toMatch(
      /low\/1\.0, \S+: prebuilt build refused, .*: signed with SHA256:\S{43}, which \S+ does not list/,
    );
    expect(certified).toMatch(/high\/1\.0 +\S+ +prebuilt by 3@example\.org/);
  });

  it('spares other machines a build that must fail there, too, and tells them why', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    const { directory } = generate(world, 'bad');
    const source = join(directory, 'bad.c');
    appendFileSync(source, 'int bad_answer(void) { return missing_answer; }\n');
    const compiler = /bad\.c:\d+:\d+: error: ‘missing_answer’ undeclared/;
    expect(await sync(shop)).toMatch(compiler);
    const pushed = await world.kmodsort(['push', 'bad', '-k', release]);
    expect(pushed.stdout).toMatch(
      /: 1 pushed\n {2}pushed {2}bad\/1\.0 .*\/share\/bad\/[0-9a-f]{64}-failed \(compiler error\)\n$/,
    );
    expect((await world.kmodsort(['push', 'bad'])).stdout).toContain(': 1 already there\n');
    await asNewMachine(shop, ['bad']);
    const hook = (): ReturnType<World['hook']> =>
      world.hook(['pacman', 'install', '--verbose'], [`usr/lib/modules/${release}/vmlinuz`]);
    const said = await hook();
    expect(said.stdout).toMatch(compiler);
    expect(said.stdout).toMatch(/ {2}FAILED {5}bad\/1\.0 +\S+ +compiler error, as on the builder ci@example\.org\n/);
    expect(said.stdout).not.toMatch(/bad\/1\.0, \S+: running make/);
    expect((await world.kmodsort(['log', 'bad'])).stdout).toMatch(compiler);
    expect((await hook()).stdout).toMatch(/as on the builder ci@example\.org \(in an earlier run/);
    // Nobody passes on what another has found.
    expect((await world.kmodsort(['push', 'bad'])).stderr).toContain('the store has no such build: bad');
    // Whoever types it wants to see it.
    const typed = await world.kmodsort(['sync', '--verbose']);
    expect(typed.stdout).toMatch(/bad\/1\.0, \S+: running make/);
    expect(typed.stdout).toMatch(/ {2}FAILED {5}bad\/1\.0 +\S+ +compiler error\n/);
    // Nor is it believed of anybody.
    await asNewMachine(shop, ['bad']);
    remake(join(shop.directory, 'bad', readdirSync(join(shop.directory, 'bad'))[0] ?? ''), (manifest) => {
      sign(manifest, statementOf(manifest), makeKey(world, 'stranger'));
    });
    const refused = await hook();
    expect(refused.stdout).toMatch(/bad\/1\.0, \S+: prebuilt build refused, building here: \S+-failed: signed with /);
    expect(refused.stdout).toMatch(/bad\/1\.0, \S+: running make/);
  });

  it('is not asked by a builder that believes nobody', async () => {
    const shop = await openShop(kernels);
    rmSync(shop.signers);
    expect(await sync(shop)).not.toContain('prebuilt');
    expect((await shop.world.kmodsort(['push'])).stdout).toContain('2 pushed');
  });

  it('is signed with the one key of an agent', async () => {
    const shop = await openShop(kernels);
    const { world, key } = shop;
    await sync(shop);
    world.configure(`prebuilt="${shop.directory}"\n`);
    const none = await world.kmodsort(['push']);
    expect(none.stderr).toMatch(/cannot sign what is pushed: push_key is not set, and there is no ssh-agent\n {2}help/);
    expect(none.code).toBe(1);
    const socket = join(world.root, 'agent');
    const pid = /SSH_AGENT_PID=(\d+)/.exec(run('ssh-agent', ['-s', '-a', socket]))?.[1];
    try {
      const env = { SSH_AUTH_SOCK: socket };
      const empty = await world.kmodsort(['push'], { env });
      expect(empty.stderr).toMatch(/cannot sign what is pushed: ssh-agent: /);
      run('env', [`SSH_AUTH_SOCK=${socket}`, 'ssh-add', '-q', key]);
      expect((await world.kmodsort(['push'], { env })).stdout).toContain('2 pushed');
      run('env', [`SSH_AUTH_SOCK=${socket}`, 'ssh-add', '-q', makeKey(world, 'second')]);
      expect((await world.kmodsort(['push'], { env })).stderr).toContain('ssh-agent has 2 keys');
      configure(shop, `push_key="${key}.pub"`);
      rmSync(key);
      expect((await world.kmodsort(['push'], { env })).stdout).toContain('2 already there');
    } finally {
      process.kill(Number(pid));
    }
    await asNewMachine(shop);
    expect(await sync(shop)).toMatch(/low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
  });
});

describe.skipIf(!isReady)('what is not what a builder has signed', () => {
  let shop: Shop;
  let whole = '';
  beforeAll(async () => {
    shop = await openShop(kernels);
    await sync(shop);
    await shop.world.kmodsort(['push']);
    whole = join(shop.world.root, 'whole');
    cpSync(shop.directory, whole, { recursive: true });
    await asNewMachine(shop);
    configure(shop, 'prebuilt_policy="only"');
  }, 120_000);

  const restore = (): void => {
    rmSync(shop.directory, { recursive: true, force: true });
    cpSync(whole, shop.directory, { recursive: true });
    for (const name of ['revoked', 'allowed_signers']) rmSync(join(shop.world.root, 'keys', name), { force: true });
    trust(shop);
  };
  const object = (name = 'low'): Buffer => {
    const place = join(shop.world.root, 'object');
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    let layer = '';
    remake(artifactOf(shop, name), ({ layers }) => {
      layer = blobFile(artifactOf(shop, name), layers[0]?.digest ?? '');
    });
    run('tar', ['-xf', layer, '-C', place]);
    return readFileSync(join(place, `module/${name}.ko`));
  };

  /** Only root can give files away. */
  const somebodys: readonly [string, () => void, RegExp][] = isRoot()
    ? [
        [
          'a list of builders that is somebody else’s',
          () => run('chown', ['65534', shop.signers]),
          /no builder is trusted: others than root may write \S+allowed_signers/,
        ],
      ]
    : [];
  it.each<[string, () => void, RegExp]>([
    ...somebodys,
    [
      'an Artifact that nobody has signed',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) => {
          manifest.annotations = {};
        }),
      /it is not signed/,
    ],
    [
      'a Statement that was changed afterwards',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) => {
          const text = statementOf(manifest).replace(/"seconds?"|startedOn/, 'startedAt');
          manifest.annotations['kmodsort.statement'] = Buffer.from(text).toString('base64');
        }),
      /bad signature/,
    ],
    [
      'the signature of a stranger',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) => {
          const stranger = join(shop.world.root, 'keys/stranger');
          if (!existsSync(stranger)) makeKey(shop.world, 'stranger');
          sign(manifest, statementOf(manifest), stranger);
        }),
      /signed with SHA256:\S{43}, which \S+allowed_signers does not list/,
    ],
    [
      'a signature that is for something else',
      () => remake(artifactOf(shop, 'low'), (manifest) => sign(manifest, statementOf(manifest), shop.key, 'file')),
      /bad signature/,
    ],
    [
      'a key that has expired',
      () => trust(shop, 'valid-before="20200101" '),
      /signed with SHA256:\S{43}: key has expired: .*2020/,
    ],
    [
      'a key that is not valid yet',
      () => trust(shop, 'valid-after="20990101" '),
      /signed with SHA256:\S{43}: key is not yet valid: .*2099/,
    ],
    [
      'a key for other things',
      () => trust(shop, 'namespaces="git" '),
      /signed with SHA256:\S{43}, which \S+ does not list/,
    ],
    [
      'a key that is revoked',
      () => writeFileSync(join(shop.world.root, 'keys/revoked'), `${publicKey(shop.key)}\n`),
      /signed with SHA256:\S{43}, which is revoked/,
    ],
    [
      'another build under its Key',
      () => {
        const low = artifactOf(shop, 'low');
        rmSync(low, { recursive: true });
        cpSync(artifactOf(shop, 'high'), low, { recursive: true });
      },
      /it is another build, with the key [0-9a-f]{64}/,
    ],
    [
      'a Key that is not that of its parts',
      () => resign(shop, 'low', (text) => text.replace('low/1.0/build', 'low/1.1/build')),
      /it is another build, with the key [0-9a-f]{64}/,
    ],
    [
      'a layer that was exchanged',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) => {
          const [layer] = manifest.layers;
          if (layer) Object.assign(layer, addBlob(artifactOf(shop, 'low'), 'other'));
        }),
      /hash mismatch: layer 0 is not what was signed/,
    ],
    [
      'a layer with a byte too many',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) =>
          appendFileSync(blobFile(artifactOf(shop, 'low'), manifest.layers[0]?.digest ?? ''), 'x'),
        ),
      /hash mismatch: sha256:[0-9a-f]{64} is not what was signed/,
    ],
    [
      'a link in the place of a layer',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) => {
          const file = blobFile(artifactOf(shop, 'low'), manifest.layers[0]?.digest ?? '');
          rmSync(file);
          run('ln', ['-s', '/dev/zero', file]);
        }),
      /cannot use the registry: \S+\/share\n +dd: .*Too many levels of symbolic links/,
    ],
    [
      'a pipe in the place of a layer',
      () =>
        remake(artifactOf(shop, 'low'), (manifest) => {
          const file = blobFile(artifactOf(shop, 'low'), manifest.layers[0]?.digest ?? '');
          rmSync(file);
          run('mkfifo', [file]);
        }),
      /hash mismatch/,
    ],
    [
      'an object that is not the subject',
      () => resign(shop, 'low', (text) => text.replace(/("sha256": ")[0-9a-f]{64}/, `$1${'0'.repeat(64)}`)),
      /hash mismatch: low\.ko is not what was signed/,
    ],
    [
      'a layer that leads out of its place',
      () =>
        resignLayer(
          shop,
          (place) => {
            writeFileSync(join(place, 'evil'), 'x');
            run('tar', ['-C', place, '-cf', join(place, 'layer.tar'), '--transform=s,^,../,', '-P', 'evil']);
          },
          (text) => text,
        ),
      /\.\.\/evil is outside the archive/,
    ],
    [
      'an object for another kernel',
      () => {
        const bytes = object();
        bytes.write('9.9', bytes.indexOf('vermagic=') + 'vermagic='.length);
        resignObject(shop, bytes);
      },
      /version magic '9\.9\S+ .*' should be '/,
    ],
    [
      'an object that needs what is not there',
      () => resignObject(shop, object('high')),
      /Unknown symbol low_value: nothing exports it/,
    ],
    [
      'a Statement of a later version',
      () => resign(shop, 'low', (text) => text.replace('provenance/v1', 'provenance/v2')),
      /a statement of another version: https:\/\/slsa\.dev\/provenance\/v2/,
    ],
    ['a Statement of nothing', () => resign(shop, 'low', () => '{}'), /a statement of another version: undefined/],
    [
      'a Statement with a hole',
      () => resign(shop, 'low', (text) => text.replace('"kernel"', '"colonel"')),
      /invalid statement: kernel/,
    ],
    [
      'an Artifact of 5 GB',
      () => resign(shop, 'low', (text) => text.replace(/"size": \d+/, '"size": 5000000000')),
      /too large: sha256:\S+ has 4769 MiB, at most 1024 MiB are taken/,
    ],
    [
      'an index of very many',
      () => {
        const one = JSON.stringify({ digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'x' });
        writeFileSync(join(artifactOf(shop, 'low'), 'index.json'), `{"manifests":[${`${one},`.repeat(50_000)}${one}]}`);
      },
      /too large: \S+index\.json, at most 4 MiB are taken/,
    ],
    ['rubbish', () => writeFileSync(join(artifactOf(shop, 'low'), 'index.json'), '\0\x01rubbish'), /it is not signed/],
    [
      'nothing',
      () => rmSync(artifactOf(shop, 'low'), { recursive: true }),
      /no prebuilt build: \S+\/share\/low\/[0-9a-f]{64}\n/,
    ],
    [
      'a list of builders that is not there',
      () => rmSync(shop.signers),
      /cannot use the registry: \S+\/share\n +no builder is trusted: \S+allowed_signers not found/,
    ],
    [
      'a list of builders that its group may write',
      () => chmodSync(shop.signers, 0o664),
      /no builder is trusted: others than root may write \S+allowed_signers/,
    ],
    [
      'a list of builders that everybody may write',
      () => chmodSync(shop.signers, 0o666),
      /no builder is trusted: others than root may write \S+allowed_signers/,
    ],
    [
      'a list of revoked builders that its group may write',
      () => {
        writeFileSync(join(shop.world.root, 'keys/revoked'), '');
        chmodSync(join(shop.world.root, 'keys/revoked'), 0o664);
      },
      /no builder is trusted: others than root may write \S+revoked/,
    ],
    [
      'a directory that is not mounted',
      () => rmSync(shop.directory, { recursive: true }),
      /cannot use the registry: \S+\/share\n +ls: .*No such file or directory/,
    ],
  ])('is refused: %s', async (_what, damage, reason) => {
    restore();
    damage();
    const { stdout, code } = await shop.world.kmodsort(['sync']);
    expect(stdout).toMatch(reason);
    expect(stdout).toMatch(/ {2}FAILED {3,}low\/1\.0/);
    expect(stdout).not.toContain('unexpected');
    expect([code, shop.world.installedObjects(release), storeOf(shop)]).toEqual([1, [], []]);
    expect(existsSync(join(shop.world.trees.stateDir, 'store/evil'))).toBe(false);
  });

  it('is built here where that is allowed, and told in a line', async () => {
    restore();
    configure(shop);
    appendFileSync(join(artifactOf(shop, 'low'), 'index.json'), ' '.repeat(5 * 1024 ** 2));
    const said = await sync(shop);
    expect(said.match(/prebuilt/g)?.length).toBe(2);
    expect(said).toMatch(
      /warning: low\/1\.0, \S+: prebuilt build refused, building here: \S+\/share\/low\/[0-9a-f]{64}: too large: /,
    );
    expect(said).toMatch(/ {2}installed {2}high\/1\.0 +\S+ +prebuilt by ci@example\.org/);
    expect(said).toContain('2 installed');
    await asNewMachine(shop);
    chmodSync(shop.signers, 0o666);
    const untrusted = await sync(shop);
    expect(untrusted.match(/no builder is trusted/g)?.length).toBe(1);
    expect(untrusted).toMatch(/warning: no prebuilt builds, building here: \S+\/share: no builder is trusted/);
    expect(untrusted).toContain('2 installed');
  });

  it('is never built where only prebuilt builds are wanted, also if what was there would not load', async () => {
    restore();
    await asNewMachine(shop);
    configure(shop, 'prebuilt_policy="only"');
    expect(await sync(shop)).toContain('2 installed');
    const record = join(shop.world.trees.stateDir, 'record/low/1.0', `${release}@x86_64.json`);
    const known: unknown = JSON.parse(readFileSync(record, 'utf8'));
    const failure = {
      inputs: '',
      failure: { kind: 'will-not-load', at: 'low.ko' },
      at: '2026-11-28T00:00:00Z',
      transient: true,
    };
    writeFileSync(record, JSON.stringify({ ...Object(known), failure }));
    const said = await shop.world.kmodsort(['sync', '--verbose']);
    expect(said.stdout).toMatch(/low\/1\.0, \S+: building \(changed: what it will load with\)/);
    expect(said.stdout).not.toContain('running make');
    expect(said.stdout).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
  });

  it('is built all the same where --force says so', async () => {
    restore();
    await asNewMachine(shop);
    configure(shop, 'prebuilt_policy="only"');
    rmSync(artifactOf(shop, 'low'), { recursive: true });
    const { code, stdout } = await shop.world.dkms(['install', 'low/1.0', '-k', release]);
    expect([code, stdout]).toEqual([10, expect.stringMatching(/no prebuilt build/)]);
    expect(await done(shop.world, ['install', 'low/1.0', '-k', release, '--force'])).toContain('installed');
  });
});

describe.skipIf(!isReady)('a builder whose key is revoked later', () => {
  const taken = async (more = ''): Promise<Shop> => {
    const shop = await openShop(kernels);
    await sync(shop);
    await shop.world.kmodsort(['push']);
    await asNewMachine(shop);
    configure(shop, more);
    expect(await sync(shop)).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
    return shop;
  };
  const revoke = (shop: Shop): void =>
    writeFileSync(join(shop.world.root, 'keys/revoked'), `# lost\n${publicKey(shop.key)}\n`);

  it('is believed no more: what it built is built anew, in order, and the store forgets it', async () => {
    const shop = await taken();
    revoke(shop);
    const doctor = await shop.world.kmodsort(['doctor']);
    expect(doctor.stdout).toContain('low/1.0 on 6.');
    expect(doctor.stdout).toMatch(/stale: warning: low\/1\.0 on \S+ is out of date \(trust in its builder\)/);
    const packed = await shop.world.kmodsort([
      'pack',
      '-k',
      release,
      '--deb',
      '--output',
      shop.world.root,
      '--dry-run',
    ]);
    expect([packed.code, packed.stdout + packed.stderr]).toEqual([
      1,
      expect.stringMatching(/dropped the stored build of ci@example\.org: its key SHA256:\S{43} is revoked/),
    ]);
    expect(storeOf(shop)).toEqual([]);
    const said = await sync(shop);
    expect(said).toMatch(/low\/1\.0, \S+: building \(changed: trust in its builder\)/);
    expect(said).toMatch(/prebuilt build refused, building here: .*which is revoked/);
    expect(said).toContain('2 installed');
    expect(said).not.toMatch(/ {2}installed .*prebuilt by/);
    expect(await sync(shop)).toContain('nothing to do');
  });

  it('and where nothing is built: it is told at each run, and stays until another build is there', async () => {
    const shop = await taken('prebuilt_policy="only"');
    run('ssh-keygen', ['-q', '-k', '-f', join(shop.world.root, 'keys/revoked'), `${shop.key}.pub`]);
    const said = await sync(shop);
    expect(said).toMatch(/dropped the stored build of ci@example\.org: its key SHA256:\S{43} is revoked/);
    expect(said).toMatch(/ {2}FAILED {3,}low\/1\.0 .*the prebuilt build is refused/);
    expect(shop.world.installedObjects(release)).toEqual(['high', 'low']);
    expect(storeOf(shop).filter((path) => path.includes('/low/'))).toEqual([]);
    expect(await sync(shop)).toMatch(/ {2}FAILED {3,}low\/1\.0 .*the prebuilt build is refused/);
    const next = makeKey(shop.world, 'next');
    writeFileSync(shop.signers, `next@example.org ${publicKey(next)}\n`);
    for (const name of ['low', 'high']) resign(shop, name, (text) => text, next);
    const after = await sync(shop);
    expect(after).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by next@example\.org/);
    expect(await sync(shop)).toContain('nothing to do');
  });
});

describe.skipIf(!isReady || !canMount())('a store without room', () => {
  afterAll(unmountAll);
  it('costs a machine what it would have taken, and nothing else', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    await sync(shop);
    await world.kmodsort(['push']);
    await asNewMachine(shop);
    mountAt(join(world.trees.stateDir, 'store'), 'size=16k');
    const said = await sync(shop);
    expect(said).toMatch(/warning: low\/1\.0, \S+: prebuilt build refused, building here: .*: No space left on device/);
    expect(said).toContain('2 installed');
    expect(disorder(world)).toEqual([]);
  });
});

describe.skipIf(!isReady)('what prebuilt names', () => {
  it.each(['kmods', 'https://registry.example.org/kmods', 'registry.example.org/kmods:latest'])(
    'is neither a registry nor a directory: %s',
    async (name) => {
      const shop = await openShop(kernels, `prebuilt="${name}"`);
      const said = await sync(shop);
      expect(said).toContain(`no prebuilt builds, building here: ${name}: '${name}' is neither a registry such as`);
      expect(said).toContain('2 installed');
      const pushed = await shop.world.kmodsort(['push']);
      expect([pushed.code, pushed.stderr]).toEqual([
        2,
        expect.stringContaining(`no registry to push to: '${name}' is`),
      ]);
    },
  );
  it('must be set, and there must be something, before anything is pushed', async () => {
    const shop = await openShop(kernels);
    const nothing = await shop.world.kmodsort(['push', 'low', '-k', '9.9']);
    expect([nothing.code, nothing.stderr]).toEqual([
      1,
      'kmodsort: the store has no such build: low 9.9\n  help  kmodsort sync\n',
    ]);
    shop.world.configure('');
    const unset = await shop.world.kmodsort(['push']);
    expect([unset.code, unset.stderr]).toEqual([
      2,
      'kmodsort: no registry to push to\n  help  set prebuilt in framework.conf\n',
    ]);
  });
});

const noRegistry = isReady ? missingRegistry() : missing;
if (isReady && noRegistry) process.stderr.write(`tests of a registry are skipped: ${noRegistry}\n`);

describe.skipIf(noRegistry !== undefined)('a registry', () => {
  const live: LiveRegistry[] = [];
  const silent: Server[] = [];
  afterAll(() => {
    for (const one of live) one.stop();
    for (const one of silent) one.close();
  });
  const listening = async (server: Server): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return address instanceof Object ? address.port : 0;
  };
  const registryFor = async (shop: Shop, users?: string): Promise<LiveRegistry> => {
    const registry = await startRegistry(join(shop.world.root, 'registry'), shop.world.root, users);
    live.push(registry);
    return registry;
  };

  it('gives another machine what one has built', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    const { host, stop } = await registryFor(shop);
    configure(shop, `prebuilt="${host}/kmods"`);
    const first = await sync(shop);
    expect(first).toMatch(
      new RegExp(`low/1\\.0, \\S+: no prebuilt build, building here: ${host}/kmods/low:[0-9a-f]{64}\n`),
    );
    const pushed = await world.kmodsort(['push']);
    expect([pushed.code, pushed.stdout]).toEqual([0, expect.stringContaining(': 2 pushed\n')]);
    expect((await world.kmodsort(['push'])).stdout).toContain(': 2 already there\n');
    await asNewMachine(shop);
    const taken = await sync(shop);
    for (const name of ['low', 'high'])
      expect(taken).toMatch(new RegExp(` {2}installed {2}${name}/1\\.0 +\\S+ +prebuilt by ci@example\\.org`));
    expect((await world.kmodsort(['verify'])).code).toBe(0);
    stop();
    await asNewMachine(shop);
    const gone = await sync(shop);
    expect(gone.match(/connection refused/g)?.length).toBe(1);
    expect(gone).toMatch(new RegExp(`warning: no prebuilt builds, building here: ${host}/kmods: .*connection refused`));
    expect(gone).toContain('2 installed');
  });

  it('that wants to know who comes', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    // htpasswd -nbB builder secret
    const { host } = await registryFor(shop, 'builder:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a');
    configure(shop, `prebuilt="${host}/kmods"`);
    const refused = await sync(shop);
    expect(refused).toMatch(/building here: \S+\/kmods: credentials refused: /);
    expect(refused).toContain('2 installed');
    const unpushed = await world.kmodsort(['push']);
    expect([unpushed.code, unpushed.stdout]).toEqual([
      1,
      expect.stringMatching(
        /FAILED: cannot use the registry: \S+\/kmods: credentials refused: .*\n {2}help {2}skopeo login --authfile \S+ localhost:\d+\n$/,
      ),
    ]);
    const auth = Buffer.from('builder:secret').toString('base64');
    writeFileSync(join(world.root, 'keys/auth.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    expect((await world.kmodsort(['push'])).stdout).toContain(': 2 pushed\n');
    await asNewMachine(shop);
    expect(await sync(shop)).toMatch(/low\/1\.0 +\S+ +prebuilt by ci@example\.org/);
  });

  it('that sends more than it should is not listened to', async () => {
    const shop = await openShop(kernels);
    const { world } = shop;
    await sync(shop);
    await world.kmodsort(['push']);
    const artifact = artifactOf(shop, 'low');
    let manifest = '';
    let layer = '';
    remake(artifact, (one) => {
      manifest = JSON.stringify(one);
      layer = one.layers[0]?.digest ?? '';
    });
    const server = createHttpServer(({ url = '' }, response) => {
      if (url.includes('/manifests/')) {
        response.writeHead(200, { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' }).end(manifest);
      } else if (url.endsWith(layer)) {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
        };
        response.on('drain', more);
        more();
      } else if (url.includes('/blobs/')) {
        response.end(readFileSync(blobFile(artifact, url.split('/').at(-1) ?? '')));
      } else response.end('{}');
    });
    silent.push(server);
    const port = await listening(server);
    await asNewMachine(shop);
    letInsecure(world.root, `localhost:${port}`);
    configure(shop, `prebuilt="localhost:${port}/kmods"\nprebuilt_policy="only"`);
    const said = await sync(shop);
    expect(said).toMatch(
      /the prebuilt build is refused: \S+\n +too large: docker:\/\/localhost:\d+\/kmods\/low@sha256:/,
    );
    expect([storeOf(shop), world.installedObjects(release)]).toEqual([[], []]);
  });

  it('that takes calls and never answers is waited for once, and not long', async () => {
    const shop = await openShop(kernels);
    const server = createServer(() => undefined);
    silent.push(server);
    const port = await listening(server);
    configure(shop, `prebuilt="localhost:${port}/kmods"`);
    const start = performance.now();
    const said = await sync(shop);
    expect(said.match(/timed out after 20 s/g)?.length).toBe(1);
    expect(said).toContain('2 installed');
    expect(performance.now() - start).toBeLessThan(60_000);
  });
});
