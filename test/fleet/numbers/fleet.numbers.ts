import { cpSync, readdirSync, symlinkSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, inject, it } from 'vitest';
import { contribSource } from '../../contrib.ts';
import { run } from '../../packages.ts';
import { generate } from '../../real/generated-source.ts';
import { emulate, makeInitramfs } from '../../system/qemu.ts';
import { World } from '../../world.ts';
import { makeNetwork, type Network } from '../network.ts';
import type { FleetNode } from '../node.ts';
import { letInsecureOn, type RegistryServer, startRegistryOn } from '../registry-server.ts';
import { cpuSeconds, listenBefore, pullFor, type Question } from './conversation.ts';

/** What docs/fleet.md says in numbers, measured: nothing here is good or bad. */

const provision = inject('fleet');
const [kernel] = 'missing' in provision ? [] : provision.kernels;

const port = 5000;
const anHour = 3_600_000;
const rounds = 3;

const say = (what: string, value: string): boolean => process.stdout.write(`${what.padEnd(72)} ${value}\n`);
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(2)} MiB`;

const must = async (node: FleetNode, ...argv: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await node.run(argv, { timeout: anHour });
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout + stderr;
};

/** Seconds that a command of ours takes on a machine. */
const timed = async (node: FleetNode, ...words: readonly string[]): Promise<number> => {
  const start = performance.now();
  const { code, stdout, stderr } = await node.kmodsort(words, { timeout: anHour });
  if (code !== 0) throw new Error(`kmodsort ${words.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return (performance.now() - start) / 1000;
};

/** Bytes that have come to a machine, or gone from it, with all headers of the network. */
const traffic = (node: FleetNode, way: 'rx' | 'tx'): number => {
  const shown: unknown = JSON.parse(
    run('nsenter', ['--target', String(node.pid), '--net', 'ip', '-s', '-j', 'link', 'show', 'eth0']),
  );
  const [, bytes = '0'] = new RegExp(`"${way}":\\{"bytes":(\\d+)`).exec(JSON.stringify(shown)) ?? [];
  return Number(bytes);
};

interface Subject {
  readonly name: string;
  readonly version: string;
  /** Puts its source into the world. */
  readonly add: (world: World) => void;
}

/** Debian's own. */
const zfs = (): Subject => {
  const place = contribSource('zfs-dkms');
  const [directory = ''] = readdirSync(place);
  return {
    name: 'zfs',
    version: directory.replace('zfs-', ''),
    add: (world) => cpSync(place, world.trees.sourceTree, { recursive: true }),
  };
};

const small: Subject = {
  name: 'low',
  version: '1.0',
  add: (world) => {
    generate(world, 'low', { unregistered: true });
  },
};

/** Debian's headers are two directories, and what is the same for all its flavours is behind this link. */
const linkSource = (world: World): void => {
  const { release, headers } = kernel ?? { release: '', headers: '' };
  const common = readdirSync(dirname(headers)).find((name) => name.endsWith('-common')) ?? '';
  symlinkSync(join(dirname(headers), common), join(world.trees.installTree, release, 'source'));
};

const makeImage = async (network: Network, { name, version, add }: Subject): Promise<string> => {
  const node = await network.node(`image-${name}`);
  const world = new World(node.path('/'), kernel ? [kernel] : [], 'debian');
  world.addKernel(kernel?.release ?? '');
  linkSource(world);
  add(world);
  await must(node, 'mkdir', '-p', `/var/lib/dkms/${name}/${version}`, '/etc/kmodsort', '/etc/dkms');
  await must(node, 'ln', '-s', `/usr/src/${name}-${version}`, `/var/lib/dkms/${name}/${version}/source`);
  await must(node, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/etc/kmodsort/push_key');
  const key = node.read('/etc/kmodsort/push_key.pub').split(' ').slice(0, 2).join(' ');
  node.write('/etc/kmodsort/allowed_signers', `ci@example.org ${key}\n`);
  letInsecureOn(node, [`registry:${port}`, `hub:${port}`]);
  await node.stop();
  return node.written;
};

const configure = (node: FleetNode, host: string, more = ''): void =>
  node.write('/etc/dkms/framework.conf', `prebuilt="${host}/kmods"\n${more}\n`);

const guest = (name: string): string => `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
read before rest < /proc/uptime
/bin/busybox modprobe ${name} && echo "loaded from $before to $(/bin/busybox cut -d ' ' -f 1 /proc/uptime)"
echo "end of init"
/bin/busybox poweroff -f
`;

/** Seconds that loading takes in the emulator. */
const load = async (node: FleetNode, name: string): Promise<number> => {
  const release = kernel?.release ?? '';
  const beside = `mkdir -p lib/modules/${release} &&
    cp -a /lib/modules/${release}/modules.* /lib/modules/${release}/updates lib/modules/${release}/`;
  const initramfs = await makeInitramfs(node, guest(name), beside);
  const said = await emulate({ release, initramfs, end: 'end of init', seconds: 300, options: ['-m', '512'] });
  const [, from = 'NaN', to = 'NaN'] = /^loaded from (\S+) to (\S+)$/m.exec(said) ?? [];
  return Number(to) - Number(from);
};

describe.skipIf(kernel === undefined)('numbers of a fleet', () => {
  const network = makeNetwork();
  let count = 0;
  const machine = (image: string): Promise<FleetNode> => {
    count += 1;
    return network.node(`machine${count}`, { layers: [image] });
  };
  let registryNode: FleetNode;
  let registry: RegistryServer;
  afterAll(() => network.stop());

  /** One machine builds and pushes, others take it. */
  const measure = async (subject: Subject): Promise<readonly Question[]> => {
    const { name } = subject;
    const image = await makeImage(network, subject);
    const builder = await machine(image);
    configure(builder, registry.host, 'push_key="/etc/kmodsort/push_key"');
    say(`${name}: built and installed on an empty machine`, `${(await timed(builder, 'sync')).toFixed(1)} s`);
    const before = traffic(builder, 'tx');
    say(`${name}: pushed`, `${(await timed(builder, 'push')).toFixed(1)} s`);
    say(`${name}: sent by the builder`, mebibytes(traffic(builder, 'tx') - before));
    const taken: { readonly seconds: number; readonly bytes: number }[] = [];
    let last = builder;
    for (let round = 0; round < rounds; round += 1) {
      last = await machine(image);
      configure(last, registry.host);
      const came = traffic(last, 'rx');
      const seconds = await timed(last, 'sync');
      taken.push({ seconds, bytes: traffic(last, 'rx') - came });
    }
    say(
      `${name}: taken, checked and installed on an empty machine`,
      `${median(taken.map((one) => one.seconds)).toFixed(1)} s`,
    );
    say(`${name}: received by a machine`, mebibytes(median(taken.map((one) => one.bytes))));
    say(`${name}: loaded by the real kernel in the emulator`, `${(await load(last, name)).toFixed(2)} s`);
    const again = await machine(image);
    configure(again, `hub:${port}`);
    const { heard, server } = await listenBefore(registryNode.address, port);
    await timed(again, 'sync');
    server.close();
    say(`${name}: questions of a machine to the registry`, String(heard.length));
    return heard;
  };

  const serve = async (name: string, questions: readonly Question[], side: number): Promise<void> => {
    const [pid = 0] = registryNode.processes();
    const before = cpuSeconds(pid);
    const { pulls, seconds, bytes, slowest } = await pullFor(registryNode.address, port, questions, side, 10);
    const cpu = (cpuSeconds(pid) - before) / pulls;
    say(
      `${name}: ${side} at once, pulls a second`,
      `${(pulls / seconds).toFixed(0)} (${mebibytes(bytes / seconds)}/s, ${(cpu * 1000).toFixed(2)} ms of CPU each, the slowest in ${slowest.toFixed(1)} s)`,
    );
  };

  it('are measured', { timeout: anHour }, async () => {
    say('machine', `${cpus().length} x ${cpus()[0]?.model}, ${(totalmem() / 1024 ** 3).toFixed(0)} GiB`);
    say('kernel', kernel?.release ?? '');
    registryNode = await network.node('registry');
    registry = await startRegistryOn(registryNode);
    for (const subject of [small, zfs()]) {
      const questions = await measure(subject);
      for (const side of [1, 8, 64, 512]) await serve(subject.name, questions, side);
      say(
        `disk of the registry`,
        mebibytes(Number(run('du', ['-sb', registryNode.path(registry.storage)]).split('\t')[0])),
      );
    }
  });
});
