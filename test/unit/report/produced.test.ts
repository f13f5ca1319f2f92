import { describe, expect, it } from 'vitest';
import type { ProducedAnswer } from '../../../src/engine/delivered.ts';
import type { Outcome } from '../../../src/engine/outcome.ts';
import { clusterSentence, onMachine } from '../../../src/report/cluster.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { failureHelp, failureInOneLine } from '../../../src/report/failures.ts';
import { producedLines } from '../../../src/report/produced.ts';
import { recorded } from './world.ts';

const failed: Outcome = {
  kind: 'failed',
  failure: { kind: 'compiler-failed', detail: 'a.c:1:1: error: x' },
  remembered: false,
};
const answer = (more: Partial<ProducedAnswer> = {}): ProducedAnswer => ({
  kind: 'produced',
  module: { name: 'zfs', version: '2.3.9' },
  kernel: { release: '6.1', arch: 'x86_64' },
  outcome: { kind: 'installed' },
  seconds: 4,
  notes: [],
  failures: [],
  ...more,
});
const artifact = 'registry.example.org/kmods/zfs:3f2a';
const excluded: Outcome = { kind: 'skipped', why: { reason: 'excluded', rule: 'BUILD_EXCLUSIVE_KERNEL', value: 'x' } };
const away = { kind: 'registry-failed', at: 'registry.example.org/kmods' } as const;

const { context } = recorded({
  request: {
    verb: 'produce',
    module: { name: 'zfs', version: '2.3.9' },
    release: '6.1',
    sources: [],
    program: ['kmodsort'],
  },
});

describe('what was produced', () => {
  it.each<[Partial<ProducedAnswer>, number, string]>([
    [{ pushed: { state: 'pushed', artifact } }, 0, `kmodsort: zfs/2.3.9, 6.1: pushed: ${artifact} (4.0 s)`],
    [{ pushed: { state: 'there', artifact } }, 0, `kmodsort: zfs/2.3.9, 6.1: already there: ${artifact} (4.0 s)`],
    [{}, 0, 'kmodsort: zfs/2.3.9, 6.1: not kept in the store, so that nothing is pushed (4.0 s)'],
    [{ outcome: excluded }, 0, 'kmodsort: zfs/2.3.9, 6.1: excluded on this kernel: BUILD_EXCLUSIVE_KERNEL=x (4.0 s)'],
    [{ outcome: failed }, 1, '  FAILED     zfs/2.3.9  6.1   compiler error'],
    [
      { outcome: failed, pushed: { state: 'pushed', artifact } },
      1,
      `kmodsort: zfs/2.3.9, 6.1: pushed: ${artifact} (4.0 s)`,
    ],
    [{ failures: [away] }, 75, ''],
    [
      { outcome: { ...failed, failure: away } },
      75,
      '  FAILED     zfs/2.3.9  6.1   cannot use the registry: registry.example.org/kmods',
    ],
    [{ failures: [{ kind: 'no-push-key' }] }, 1, ''],
    [{ outcome: failed, signal: 'SIGTERM' }, 143, 'kmodsort: interrupted by SIGTERM'],
  ])('%j ends with %i', (more, status, first) => {
    const told = answer(more);
    expect(exitStatus(told, 'typed', { requiredFailed: false })).toBe(status);
    expect(producedLines(told, context)[0]).toContain(first);
  });

  it('is told of machines and jobs', () => {
    expect([onMachine('node2'), onMachine(undefined)]).toEqual([' (node2)', '']);
    expect(clusterSentence({ kind: 'submitted', count: 4, ids: '101-104' })).toBe('4 Slurm jobs: 101-104');
    expect(clusterSentence({ kind: 'sent', to: 'r/k', headers: 2, sources: 1, key: 'SHA256:abc' })).toBe(
      'headers of 2 kernels and 1 source are in r/k (signed with SHA256:abc)',
    );
  });

  it.each([
    [
      { kind: 'slurm-failed', detail: 'sinfo: command not found', install: 'apt install slurm-client' },
      'Slurm: sinfo: command not found',
      'apt install slurm-client',
    ],
    [{ kind: 'slurm-failed', at: 'sbatch', detail: 'no' }, 'Slurm: sbatch: no', 'sinfo'],
    [{ kind: 'job-lost', at: 'Slurm job 103' }, 'it ended without a result: Slurm job 103', 'scontrol show job 103'],
    [
      { kind: 'input-missing', at: 'r/k/zfs:source-1' },
      'the registry does not have it: r/k/zfs:source-1',
      'kmodsort matrix --on slurm puts sources and headers there',
    ],
  ] as const)('%j', (failure, said, help) => {
    expect([failureInOneLine(failure), failureHelp(failure)]).toEqual([said, help]);
  });
});
