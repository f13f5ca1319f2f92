import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { saidBy, treesOf } from './dkms-session.ts';
import { sourceFiles } from './generated-source.ts';
import { addBlob, blobFile, configure, makeKey, remake, type Shop, sign, statementOf, trust } from './shop.ts';
import { fakeSlurm, submitted } from './slurm-fake.ts';

/** `kmodsort produce`: one module for one kernel, from what is in a registry, by whom it is signed. */

const provision = inject('provision');
const [kernel] = provision.kind === 'ready' ? provision.kernels : [];
const release = kernel?.release ?? '';
const canUnshare = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

/** A machine that knows no module and has no headers, with a registry in a directory, and what was sent there. */
interface Floor extends Shop {
  /** The words that produce each module. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  readonly said: string;
  /** The same matrix again, by jobs that have ended as scontrol is to say. */
  readonly matrix: (shown: string) => Promise<string>;
}

const writeSource = (world: World, name: string, depends: readonly string[], more = ''): string => {
  const place = join(world.root, 'checkout', name);
  mkdirSync(place, { recursive: true });
  for (const [file, text] of sourceFiles(name, { depends }))
    writeFileSync(join(place, file), file.endsWith('.c') ? `${text}${more}` : text);
  return place;
};

/** All that matrix sends before it waits for jobs, which a fake Slurm does not start. */
const openFloor = async (): Promise<Floor> => {
  const world = disposableWorld({ kernels: kernel ? [kernel] : [], distribution: 'debian', withoutKernels: true });
  const shop: Shop = {
    world,
    directory: join(world.root, 'share'),
    key: makeKey(world, 'ci'),
    signers: join(world.root, 'keys/allowed_signers'),
  };
  mkdirSync(shop.directory);
  trust(shop);
  configure(shop);
  const sources = [
    writeSource(world, 'low', []),
    writeSource(world, 'high', ['low']),
    writeSource(world, 'bad', [], 'int x = missing_answer;\n'),
  ];
  const PATH = fakeSlurm(world);
  const words = ['matrix', ...sources, '--kernels', kernel?.headers ?? '', '--on', 'slurm', '-j', '2'];
  const matrix = async (shown: string): Promise<string> => {
    writeFileSync(join(world.root, 'slurm/end'), `${shown}\n`);
    return saidBy(world, await world.kmodsort(words, { env: { PATH } }));
  };
  const said = await matrix('JobState=FAILED ExitCode=75:0 NodeList=node7');
  const orders = submitted(world).map(({ words: order }) => [(order[1] ?? '').split('/')[0] ?? '', order] as const);
  return { ...shop, orders: new Map(orders), said, matrix };
};

const produce = async (floor: Floor, name: string): Promise<{ code: number | null; said: string }> => {
  const ended = await floor.world.kmodsort([...(floor.orders.get(name) ?? [])]);
  return { code: ended.code, said: saidBy(floor.world, ended) };
};

/** Another machine: nothing was built there. */
const onNewMachine = ({ world }: Floor): void => rmSync(world.trees.stateDir, { recursive: true, force: true });

const placeOf = ({ directory }: Floor, repository: string, start: string): string => {
  const name = readdirSync(join(directory, repository)).find((tag) => tag.startsWith(start)) ?? '';
  return join(directory, repository, name);
};

/** The archive of an Artifact of one layer, changed and signed again with a key. */
const repack = (floor: Floor, artifact: string, change: (place: string) => void, words: string[] = []): void =>
  remake(artifact, (manifest) => {
    const [layer] = manifest.layers;
    const place = join(floor.world.root, 'repack');
    mkdirSync(place);
    run('tar', ['-xf', blobFile(artifact, layer?.digest ?? ''), '-C', place]);
    change(place);
    const file = join(floor.world.root, 'repack.tar');
    run('tar', ['-cf', file, ...words, '-C', place, '.']);
    run('zstd', ['-q', '--rm', '-f', file]);
    const { digest, size } = addBlob(artifact, readFileSync(`${file}.zst`));
    const text = statementOf(manifest);
    const before = layer?.digest.slice('sha256:'.length) ?? '';
    const after = digest.slice('sha256:'.length);
    const again = text.replaceAll(before, after).replace(/"size": \d+/, `"size": ${size}`);
    if (layer) Object.assign(layer, { digest, size });
    sign(manifest, again, floor.key);
    rmSync(place, { recursive: true });
  });

/** Let an order name what is in a place by now. */
const reordered = (floor: Floor, artifact: string, name: string): Floor => {
  const index: unknown = JSON.parse(readFileSync(join(artifact, 'index.json'), 'utf8'));
  const digest = /sha256:[0-9a-f]{64}/.exec(JSON.stringify(index))?.[0] ?? '';
  const layer =
    /"layers":\s*\[\s*\{[^}]*sha256:([0-9a-f]{64})/.exec(readFileSync(blobFile(artifact, digest), 'utf8'))?.[1] ?? '';
  const [kind = '', old = ''] = artifact.slice(dirname(artifact).length + 1).split('-');
  renameSync(artifact, join(dirname(artifact), `${kind}-${layer}`));
  const words = (floor.orders.get(name) ?? []).map((word) => word.replace(old, layer));
  return { ...floor, orders: new Map([...floor.orders, [name, words]]) };
};

describe.skipIf(!canUnshare || !kernel)('kmodsort produce', () => {
  it('builds in the order of dependencies, once, and says what fails', async () => {
    const floor = await openFloor();
    const { world, directory } = floor;
    expect(floor.said).toContain('headers of 1 kernel and 3 sources are in /share (signed with SHA256:');
    expect(floor.said).toContain('FAILED     low/1.0');
    expect(floor.said).toContain('it ended without a result: Slurm job');
    expect(floor.said).toContain('exit status 75 on node7');
    const jobs = submitted(world);
    expect(jobs.map(({ options }) => options.find((one) => one.startsWith('--dependency')))).toEqual(
      expect.arrayContaining([undefined, expect.stringMatching(/^--dependency=afterok:\d$/)]),
    );
    expect(jobs[0]?.options).toEqual(
      expect.arrayContaining(['--parsable', '--requeue', '--kill-on-invalid-dep=yes', '--cpus-per-task=2']),
    );
    const before = treesOf(world);

    expect(await produce(floor, 'low')).toMatchObject({
      code: 0,
      said: expect.stringContaining(`low/1.0, ${release}: pushed: /share/low/`),
    });
    onNewMachine(floor);
    expect(await produce(floor, 'low')).toMatchObject({
      code: 0,
      said: expect.stringContaining(`low/1.0, ${release}: already there: /share/low/`),
    });
    onNewMachine(floor);
    const high = await produce(floor, 'high');
    expect(high).toMatchObject({ code: 0, said: expect.stringContaining(': pushed: ') });
    expect(high.said).not.toContain('low/1.0: building');

    const bad = await produce(floor, 'bad');
    expect(bad).toMatchObject({ code: 1, said: expect.stringMatching(/bad\/1\.0, \S+: pushed: \S+-failed/) });
    expect(bad.said).toContain('‘missing_answer’ undeclared');
    onNewMachine(floor);
    const again = await produce(floor, 'bad');
    expect(again).toMatchObject({ code: 1, said: expect.stringMatching(/: already there: \S+-failed/) });
    expect(again.said).toContain('as on the builder ci@example.org');
    onNewMachine(floor);
    expect(treesOf(world)).toEqual(before);

    // Results wait for whoever has given the ticket.
    expect(readdirSync(join(directory, 'low')).filter((name) => name.startsWith('result-'))).toHaveLength(1);
    const lost = await floor.matrix('JobState=TIMEOUT ExitCode=0:15 NodeList=node7');
    expect(lost).toContain('TIMEOUT on node7');
    expect(lost).toContain(': 1 blocked, 2 FAILED');
    // Who had the same built meanwhile has left it there.
    const others = await floor.matrix('JobState=COMPLETED ExitCode=0:0 NodeList=node7');
    expect(others).toContain(': 2 ok, 1 FAILED');
    expect(others).toMatch(/FAILED {5}bad\/1\.0 .*\n.*‘missing_answer’ undeclared.*\n +log /);
    onNewMachine(floor);
    renameSync(directory, `${directory}-away`);
    expect(await produce(floor, 'low')).toMatchObject({
      code: 75,
      said: expect.stringContaining('cannot use the registry'),
    });
  });

  it.each<[string, (floor: Floor) => Floor, string]>([
    [
      'a source that a stranger has signed',
      (floor) => {
        const stranger = makeKey(floor.world, 'stranger');
        remake(placeOf(floor, 'low', 'source-'), (manifest) => sign(manifest, statementOf(manifest), stranger));
        return floor;
      },
      'allowed_signers does not list',
    ],
    [
      'another source in its place',
      (floor) => {
        const place = placeOf(floor, 'low', 'source-');
        rmSync(place, { recursive: true });
        cpSync(placeOf(floor, 'bad', 'source-'), place, { recursive: true });
        return floor;
      },
      'it is something else: source bad/1.0',
    ],
    [
      'bytes that were not signed',
      (floor) => {
        const blobs = join(placeOf(floor, 'low', 'source-'), 'blobs/sha256');
        const words = floor.orders.get('low')?.join(' ') ?? '';
        for (const name of readdirSync(blobs).filter((one) => words.includes(one)))
          appendFileSync(join(blobs, name), 'x');
        return floor;
      },
      'refused',
    ],
    [
      'a link out of the source',
      (floor) => {
        const place = placeOf(floor, 'low', 'source-');
        repack(floor, place, (inside) => symlinkSync('/etc', join(inside, 'etc')));
        return reordered(floor, place, 'low');
      },
      'etc',
    ],
    [
      'headers that bring a program',
      (floor) => {
        const place = placeOf(floor, 'linux-headers', 'headers-');
        repack(floor, place, (inside) => {
          mkdirSync(join(inside, 'usr/bin'));
          writeFileSync(join(inside, 'usr/bin/gcc'), '#!/bin/sh\n');
        });
        return reordered(floor, place, 'low');
      },
      'usr/bin/gcc',
    ],
    [
      'a source that is another module',
      (floor) => {
        const place = placeOf(floor, 'low', 'source-');
        repack(floor, place, (inside) => {
          const conf = join(inside, 'dkms.conf');
          writeFileSync(conf, readFileSync(conf, 'utf8').replace('"low"', '"zfs"'));
        });
        return reordered(floor, place, 'low');
      },
      'names another module or version',
    ],
  ])('builds nothing from %s', async (_what, spoil, said) => {
    const floor = spoil(await openFloor());
    const ended = await produce(floor, 'low');
    expect(ended.said).toContain('FAILED');
    expect(ended.said).toContain(said);
    expect(ended.said).not.toContain('building');
    expect(ended.code).toBe(1);
    const builds = readdirSync(join(floor.directory, 'low')).filter((name) => /^[0-9a-f]{64}/.test(name));
    expect(builds).toEqual([]);
  });
});
