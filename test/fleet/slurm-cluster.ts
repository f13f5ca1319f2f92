import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../kernels.ts';
import { run } from '../packages.ts';
import type { Network } from './network.ts';
import type { FleetNode } from './node.ts';
import { letInsecureOn, type RegistryServer, startRegistryOn } from './registry-server.ts';

/** A Slurm cluster of Debian's packages on the machines of a fleet, without accounting, and a registry beside it. */

export interface Cluster {
  /** It runs slurmctld, and jobs are submitted there. */
  readonly head: FleetNode;
  readonly workers: readonly FleetNode[];
  readonly registry: RegistryServer;
  /** The machine of the registry. */
  readonly storage: FleetNode;
}

const names = ['node1', 'node2', 'node3'];

/** What a site needs, and what lets a test see in seconds what takes minutes elsewhere. */
const slurmConf = `ClusterName=fleet
SlurmctldHost=head
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmctldTimeout=30
SlurmdTimeout=6
KillWait=1
BatchStartTimeout=20
MinJobAge=300
RequeueExit=75
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
NodeName=node[1-3] CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;

const cgroupConf = 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\n';

const program = `#!/bin/sh\nexec ${process.execPath} ${join(repository, 'dist/kmodsort.mjs')} "$@"\n`;

const patience = { timeout: 3_600_000 };

/** munged wants its places to be its own; /run is new on each machine. */
const startMunge = async (node: FleetNode): Promise<void> => {
  await node.sh('install -d -o munge -g munge -m 755 /run/munge && chown munge: /etc/munge/munge.key');
  node.start(['setpriv', '--reuid', 'munge', '--regid', 'munge', '--clear-groups', 'munged', '--foreground'], patience);
  for (let tries = 0; (await node.run(['munge', '-n'])).code !== 0; tries += 1) {
    if (tries === 50) throw new Error(`munged did not come up on ${node.name}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const startDaemon = (node: FleetNode, argv: readonly string[]): void => {
  node.write('/etc/slurm/slurm.conf', slurmConf);
  node.write('/etc/slurm/cgroup.conf', cgroupConf);
  node.start(argv, patience);
};

const startWorker = async (node: FleetNode): Promise<void> => {
  await startMunge(node);
  await node.sh('mkdir -p /var/lib/slurm/slurmd /var/log/slurm');
  startDaemon(node, ['slurmd', '-D', '-N', node.name]);
};

const untilUp = async (head: FleetNode): Promise<void> => {
  for (let tries = 0; ; tries += 1) {
    const { stdout } = await head.run(['sinfo', '--noheader', '--Node', '--format=%T']);
    if (
      stdout
        .trim()
        .split(/\s+/)
        .filter((state) => state === 'idle').length === names.length
    )
      return;
    if (tries === 60) throw new Error(`Slurm did not come up: ${stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};

/** One key for all: each believes what the others have signed. */
const letBelieve = (nodes: readonly FleetNode[], host: string): void => {
  const place = mkdtempSync(join(tmpdir(), 'fleet-key-'));
  const file = join(place, 'key');
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'fleet', '-f', file]);
  const [key, shown] = [readFileSync(file, 'utf8'), readFileSync(`${file}.pub`, 'utf8')];
  rmSync(place, { recursive: true });
  for (const node of nodes) {
    node.write('/etc/kmodsort/push_key', key, 0o600);
    node.write('/etc/kmodsort/allowed_signers', `fleet@example.org ${shown.split(' ').slice(0, 2).join(' ')}\n`);
    node.write('/etc/dkms/framework.conf', `prebuilt="${host}/kmods"\npush_key="/etc/kmodsort/push_key"\n`);
    node.write('/usr/local/bin/kmodsort', program, 0o755);
    letInsecureOn(node, [host]);
  }
};

/** Start all of it. */
export const startCluster = async (network: Network): Promise<Cluster> => {
  const storage = await network.node('registry');
  const registry = await startRegistryOn(storage);
  const head = await network.node('head');
  const workers: FleetNode[] = [];
  for (const name of names) workers.push(await network.node(name));
  letBelieve([head, ...workers], registry.host);
  await startMunge(head);
  await head.sh('mkdir -p /var/lib/slurm/slurmctld /var/log/slurm');
  startDaemon(head, ['slurmctld', '-D', '-i']);
  await Promise.all(workers.map(startWorker));
  await untilUp(head);
  return { head, workers, registry, storage };
};
