import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Ended } from '../child.ts';
import { repository, type TestKernel } from '../kernels.ts';
import { sourceFiles } from '../real/generated-source.ts';
import { makeNetwork, type Network } from './network.ts';
import type { FleetNode } from './node.ts';
import { startRegistryOn } from './registry-server.ts';
import { type Cluster, startCluster } from './slurm-cluster.ts';

/** `kmodsort matrix --on slurm`, and `kmodsort produce` on the machines of a cluster. */

const fleet = inject('fleet');
const [kernel, other] = 'missing' in fleet ? [] : fleet.kernels;

const program = join(repository, 'dist/kmodsort.mjs');
const by = 'fleet@example.org';

/** The headers of a kernel as its packages have them. */
const installHeaders = async (node: FleetNode, { release, headers }: TestKernel): Promise<void> => {
  const usr = dirname(dirname(headers));
  await node.sh(
    `mkdir -p /usr/src "/usr/lib/modules/${release}" && cp -a ${usr}/src/. /usr/src/ && cp -a ${usr}/lib/. /usr/lib/`,
  );
  await node.sh(`sed -i 's,^include .*/usr/src/,include /usr/src/,' /usr/src/linux-headers-${release}/Makefile`);
  await node.sh(`ln -s /usr/src/linux-headers-${release} /usr/lib/modules/${release}/build`);
};

const writeSource = (node: FleetNode, name: string, depends: readonly string[] = [], more = ''): string => {
  for (const [file, text] of sourceFiles(name, { depends }))
    node.write(`/root/${name}/${file}`, file.endsWith('.c') ? `${text}${more}` : text);
  return `/root/${name}`;
};

/** A module at the bottom, two that need it, one of them broken, and one that needs both. */
const diamond = (node: FleetNode): string[] => [
  writeSource(node, 'base'),
  writeSource(node, 'left', ['base']),
  writeSource(node, 'right', ['base'], 'int x = missing_answer;\n'),
  writeSource(node, 'top', ['left', 'right']),
];

interface Row {
  readonly module: { readonly name: string };
  readonly outcome: { readonly kind: string; readonly from?: { readonly by?: string } };
}

/** The rows of an answer in JSON, by module. */
const rowsOf = ({ stdout, stderr }: Ended): ReadonlyMap<string, Row['outcome']> => {
  const isAnswer = (value: unknown): value is { readonly rows: readonly Row[] } =>
    value instanceof Object && 'rows' in value && Array.isArray(value.rows);
  const answer: unknown = JSON.parse(stdout);
  if (!isAnswer(answer)) throw new Error(`no matrix: ${stdout}${stderr}`);
  return new Map(answer.rows.map(({ module, outcome }) => [module.name, outcome]));
};

/** The state of each job by its name. */
const jobsOf = async (head: FleetNode): Promise<ReadonlyMap<string, string>> => {
  const { stdout } = await head.run(['squeue', '--noheader', '--states=all', '--format=%j %T']);
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return new Map(pairs.map(([name = '', state = '']) => [name.replace(/-1\.0-.*/, ''), state]));
};

const until = async (what: () => boolean | Promise<boolean>, seconds: number): Promise<void> => {
  const end = Date.now() + seconds * 1000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** Every tag of a repository with all that belongs to it, or what is missing. */
const halfPushed = async (head: FleetNode, host: string, repository: string): Promise<string[]> => {
  const name = `docker://${host}/kmods/${repository}`;
  const { stdout } = await head.run(['skopeo', 'list-tags', name]);
  const tags = [...stdout.matchAll(/"((?:[0-9a-f]{64}|result-|source-)[\w-]*)"/g)].map(([, tag = '']) => tag);
  expect(tags.length).toBeGreaterThan(2);
  const ends = await Promise.all(
    tags.map((tag) => head.sh(`d=$(mktemp -d) && skopeo copy -q ${name}:${tag} oci:$d:x`)),
  );
  return ends.flatMap(({ code, stderr }) => (code === 0 ? [] : [stderr]));
};

describe.skipIf(!kernel || !other)('a matrix on a Slurm cluster', () => {
  const { release = '' } = kernel ?? {};
  let network: Network;
  let cluster: Cluster;
  const matrix = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return cluster.head.run(['env', ...variables, process.execPath, program, 'matrix', ...words, '--on', 'slurm']);
  };
  beforeAll(async () => {
    network = makeNetwork();
    cluster = await startCluster(network);
    if (kernel) await installHeaders(cluster.head, kernel);
  });
  afterAll(() => network.stop());

  it('builds in the order of dependencies, and does not try what needs something that fails', async () => {
    const { head, workers, registry } = cluster;
    const sources = diamond(head);
    const page = '/root/page.html';
    const ended = await matrix([...sources, '--kernels', release, '--html', page]);
    const said = ended.stdout;
    expect(said).toMatch(
      /^kmodsort: headers of 1 kernel and 4 sources are in registry:5000\/kmods \(signed with SHA256:/m,
    );
    expect(said).toMatch(/^kmodsort: 4 Slurm jobs: \d+-\d+$/m);
    expect(said).toMatch(/^kmodsort: base\/1\.0, \S+: ready in \d+\.\d s \(node[123]\)$/m);
    expect(said).toMatch(/^kmodsort: matrix: 4 modules on 1 kernel: 2 ok, 1 blocked, 1 FAILED in \d/m);
    expect(said).toMatch(
      / {2}FAILED {5}right\/1\.0 .* compiler error\n.*right\.c:\d+:\d+: error: ‘missing_answer’ undeclared/,
    );
    expect(said).toContain('not tried: right failed');
    const [, log = ''] = /log {4}(\S+)/.exec(said) ?? [];
    expect(head.read(log)).toContain('missing_answer');
    expect(
      head
        .read(page)
        .match(/class="(ok|failed|blocked)"/g)
        ?.sort(),
    ).toEqual(['class="blocked"', 'class="failed"', 'class="ok"', 'class="ok"']);
    expect(head.read(page)).toMatch(/<pre>[^<]*‘missing_answer’ undeclared/);
    expect(ended.code).toBe(1);
    const states = await jobsOf(head);
    expect([...states].sort()).toEqual([
      ['base', 'COMPLETED'],
      ['left', 'COMPLETED'],
      ['right', 'FAILED'],
      ['top', 'CANCELLED'],
    ]);
    expect(await halfPushed(head, registry.host, 'left')).toEqual([]);

    // Nothing can be compiled any more, and nothing need be.
    for (const node of [head, ...workers]) {
      node.write('/root/make', '#!/bin/sh\nexit 1\n', 0o755);
      expect((await node.sh('mount --bind /root/make /usr/bin/make')).code).toBe(0);
    }
    const again = rowsOf(await matrix([...sources, '--kernels', release, '--json']));
    const local = rowsOf(await head.kmodsort(['matrix', ...sources, '--kernels', release, '--json']));
    for (const node of [head, ...workers]) await node.sh('umount /usr/bin/make');
    for (const rows of [again, local])
      expect([...rows].sort()).toMatchObject([
        ['base', { kind: 'installed', from: { seconds: expect.anything() } }],
        ['left', { kind: 'installed', from: { seconds: expect.anything() } }],
        [
          'right',
          { kind: 'failed', failure: { kind: 'compiler-failed', by, log: expect.stringContaining('/right/') } },
        ],
        ['top', { kind: 'blocked', why: { dependency: 'right' } }],
      ]);
    // The same Key on machines that have the headers of a package, and on those that have them from the registry.
    expect([...local.values()].filter(({ from }) => from?.by === by)).toHaveLength(2);
  });

  it.each([
    ['no registry', 'push_key="/etc/kmodsort/push_key"', {}, 'FAILED: no registry to push to\n', 'set prebuilt in'],
    ['no key', 'prebuilt="registry:5000/kmods"', {}, 'FAILED: cannot sign what is pushed', 'set push_key in'],
    ['no Slurm', undefined, {}, 'FAILED: Slurm: sinfo: command not found', 'apt install slurm-client'],
    ['a partition that is none', undefined, { SBATCH_PARTITION: 'none' }, 'FAILED: Slurm: sbatch: ', 'sinfo'],
    [
      'no signers',
      'prebuilt="registry:5000/kmods"\npush_key="/etc/kmodsort/push_key"\nallowed_signers="/none"',
      {},
      '/none',
      '',
    ],
  ])('says what is missing: %s', async (what, settings, env, said, help) => {
    const isWithout = what === 'no Slurm';
    const { head } = cluster;
    if (isWithout) await head.sh('mv /usr/bin/sinfo /usr/bin/sinfo.away');
    if (settings !== undefined) head.write('/etc/other/framework.conf', `${settings}\n`);
    const place = settings === undefined ? [] : ['--confdir', '/etc/other'];
    const before = (await jobsOf(head)).size;
    const ended = await matrix([writeSource(head, 'base'), '--kernels', release, ...place], env);
    if (isWithout) await head.sh('mv /usr/bin/sinfo.away /usr/bin/sinfo');
    expect(ended.stdout + ended.stderr).toContain(said);
    expect(ended.stdout + ended.stderr).toContain(help);
    expect(ended.code).toBe(1);
    expect((await jobsOf(head)).size).toBe(before);
  });

  it('takes its jobs out of the queue when it is interrupted', async () => {
    const { head } = cluster;
    const sources = [writeSource(head, 'base', [], '/* another */\n'), writeSource(head, 'left', ['base'])];
    const run = head.start([
      process.execPath,
      program,
      ...['matrix', ...sources, '--kernels', release, '--on', 'slurm'],
    ]);
    const states = async (): Promise<string[]> => [...(await jobsOf(head)).values()];
    await until(async () => (await states()).includes('RUNNING'), 120);
    // nsenter waits for the program, which is in its process group.
    process.kill(-(run.child.pid ?? 0), 'SIGINT');
    const ended = await run.ended;
    expect(ended.stdout).toMatch(/^kmodsort: 2 Slurm jobs cancelled: \d+-\d+$/m);
    expect(ended.stdout).toContain('interrupted by SIGINT');
    expect(ended.code).toBe(130);
    await until(async () => !(await states()).some((state) => /PENDING|RUNNING|COMPLETING/.test(state)), 20);
  });

  it('lets Slurm try again what the registry was away for', async () => {
    const { head, registry, storage } = cluster;
    const source = writeSource(head, 'patient');
    head.write(`${source}/Makefile`, 'obj-m := patient.o\nifneq ($(KERNELRELEASE),)\n$(shell sleep 3)\nendif\n');
    const run = matrix([source, '--kernels', release]);
    await until(async () => (await jobsOf(head)).get('patient') === 'RUNNING', 120);
    await Promise.race(
      cluster.workers.map((node) => until(async () => (await node.sh('pgrep -x sleep')).code === 0, 60)),
    );
    await registry.stop();
    const ofJob = async (format: string): Promise<string> =>
      (await head.run(['squeue', '--noheader', `--name=patient-1.0-${release}`, `--format=${format}`])).stdout.trim();
    await until(async () => /^PENDING/.test(await ofJob('%T')), 90);
    await startRegistryOn(storage);
    // A node does not start a job anew that it has not taken leave of: Slurm would wait two minutes.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await head.run(['scontrol', 'update', `JobId=${await ofJob('%i')}`, 'StartTime=now']);
    const ended = await run;
    expect(ended.stdout).toContain('matrix: 1 module on 1 kernel: 1 ok');
    expect(ended.code).toBe(0);
  });

  it('is right when machines are switched off in the middle, and nothing is half in the registry', async () => {
    const { head, workers, registry } = cluster;
    const source = writeSource(head, 'slow');
    head.write(`${source}/Makefile`, 'obj-m := slow.o\nifneq ($(KERNELRELEASE),)\n$(shell sleep 3)\nendif\n');
    const run = matrix([source, '--kernels', release]);
    const nodeOf = async (): Promise<FleetNode | undefined> => {
      const argv = ['squeue', '--noheader', '--states=RUNNING', '--format=%N', '--name', `slow-1.0-${release}`];
      const name = (await head.run(argv)).stdout.trim();
      return workers.find((one) => one.name === name);
    };
    const blobs = (): number => {
      const place = cluster.storage.path(
        `${registry.storage}/docker/registry/v2/repositories/kmods/slow/_layers/sha256`,
      );
      return existsSync(place) ? readdirSync(place).length : 0;
    };
    const running = async (but: readonly FleetNode[]): Promise<FleetNode> => {
      let found: FleetNode | undefined;
      await until(async () => {
        found = await nodeOf();
        return found !== undefined && !but.includes(found);
      }, 120);
      if (!found) throw new Error('the job runs nowhere');
      return found;
    };
    /** Slurm would find out by itself in half a minute, and wait two more before it starts the job anew. */
    const switchOff = async (node: FleetNode): Promise<void> => {
      await node.stop();
      await head.run(['scontrol', 'update', `NodeName=${node.name}`, 'State=DOWN', 'Reason=off']);
      await until(async () => (await jobsOf(head)).get('slow') === 'PENDING', 120);
      const id = (await head.sh(`squeue --noheader --states=PENDING --format=%i`)).stdout.trim();
      await head.run(['scontrol', 'update', `JobId=${id}`, 'StartTime=now']);
    };
    // While it compiles.
    const first = await running([]);
    await until(async () => (await first.sh('pgrep -x sleep')).code === 0, 120);
    await switchOff(first);
    // While it pushes.
    const second = await running([first]);
    const before = blobs();
    await until(() => blobs() > before, 120);
    await switchOff(second);
    const third = await running([first, second]);
    const ended = await run;
    expect(ended.stdout).toContain('matrix: 1 module on 1 kernel: 1 ok');
    expect(ended.stdout).toContain(`slow/1.0, ${release}: ready in`);
    expect(ended.stdout).toContain(`(${third.name})`);
    expect(ended.code).toBe(0);
    expect(await halfPushed(head, registry.host, 'slow')).toEqual([]);
  });
});
