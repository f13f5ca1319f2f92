import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { run } from '../packages.ts';
import { type FleetNode, type Identity, type NodeOptions, startNode } from './node.ts';

/**
 * Machines on one bridge, each with an address, and a name that all of them know. The tests themselves are on the bridge,
 * too, as `hub`.
 */

const bridge = 'fleet';

/** An Ethernet address that goes with one of IPv4. */
const hardwareOf = (address: string): string =>
  ['02', '00', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');

const cableOf = (number: number): string => `cable${number}`;

const addressOf = (index: number): string => `10.77.${index >> 8}.${index & 255}`;

/** The tests' own address: the fake servers and proxies of a test listen there. */
export const hub = addressOf(1);

/** The bridge is to be made in the network of test/fleet/run.sh, and never in that of the machine. */
const refuseOutside = (): void => {
  const outside = process.env.FLEET_OUTSIDE;
  if (outside === undefined || outside === readlinkSync('/proc/self/ns/net'))
    throw new Error('tests of a fleet want a network of their own: npm run test:fleet');
};

const networks: Network[] = [];

afterAll(async () => {
  for (const network of networks) await network.stop();
});

/** A network; it is gone when the tests of the file that asked for it have ended. There is one at a time. */
export const makeNetwork = (): Network => {
  refuseOutside();
  const network = new Network(mkdtempSync(join(tmpdir(), 'fleet-')));
  networks.push(network);
  return network;
};

export class Network {
  readonly #base: string;
  readonly #hosts: string;
  readonly #nodes: FleetNode[] = [];
  readonly #options = new Map<Identity, NodeOptions>();
  #count = 1;
  #isStopped = false;
  #names = `127.0.0.1 localhost\n${hub} hub\n`;

  constructor(base: string) {
    this.#base = base;
    this.#hosts = join(base, 'hosts');
    writeFileSync(this.#hosts, this.#names);
    run('ip', ['link', 'add', bridge, 'type', 'bridge']);
    run('ip', ['addr', 'add', `${hub}/16`, 'dev', bridge]);
    run('ip', ['link', 'set', bridge, 'up']);
  }

  /** Start a machine and connect it. */
  async node(name: string, options: NodeOptions = {}): Promise<FleetNode> {
    this.#count += 1;
    const address = addressOf(this.#count);
    const base = join(this.#base, `${this.#count}`);
    mkdirSync(base);
    // In place: each has this very file mounted over its own.
    this.#names += `${address} ${name}\n`;
    writeFileSync(this.#hosts, this.#names);
    return this.#start({ name, address, base }, options);
  }

  /** Switch a machine on again that was stopped: its name, its address, and what it had written. */
  again({ identity }: FleetNode): Promise<FleetNode> {
    return this.#start(identity, this.#options.get(identity) ?? {});
  }

  /** Nothing reaches a machine any more, or it is reached again. */
  unplug(node: FleetNode, isOut = true): void {
    run('nsenter', ['--target', String(node.pid), '--net', 'ip', 'link', 'set', 'eth0', isOut ? 'down' : 'up']);
  }

  /** End every machine; nothing of them stays. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await Promise.all(this.#nodes.map((node) => node.stop()));
    // A network that nobody is in any more goes when the system comes to it, and its cable with it.
    for (const number of this.#nodes.keys()) spawnSync('ip', ['link', 'del', cableOf(number + 1)]);
    run('ip', ['link', 'del', bridge]);
    rmSync(this.#base, { recursive: true, force: true, maxRetries: 5 });
  }

  async #start(identity: Identity, options: NodeOptions): Promise<FleetNode> {
    const node = await startNode(identity, this.#hosts, options);
    this.#options.set(identity, options);
    this.#nodes.push(node);
    this.#connect(node, this.#nodes.length);
    return node;
  }

  #connect({ pid, address }: FleetNode, number: number): void {
    const inside = (...words: string[]): string => run('nsenter', ['--target', String(pid), '--net', 'ip', ...words]);
    const cable = cableOf(number);
    run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)]);
    run('ip', ['link', 'set', cable, 'master', bridge, 'up']);
    inside('link', 'set', 'lo', 'up');
    // Whoever is switched on again is known by the same one.
    inside('link', 'set', 'eth0', 'address', hardwareOf(address));
    inside('addr', 'add', `${address}/16`, 'dev', 'eth0');
    inside('link', 'set', 'eth0', 'up');
  }
}
