import { describe, expect, it } from 'vitest';
import { endOf, parseQueue, phaseOf, rangesOf } from '../../../../src/engine/cluster/job-states.ts';

describe('jobs of Slurm', () => {
  it('are read from what squeue prints, reasons of several words, too', () => {
    expect(parseQueue('101|RUNNING|None\n 102|PENDING|launch failed requeued held\n\n103|PENDING|a|b\n')).toEqual(
      new Map([
        ['101', { state: 'RUNNING', reason: 'None' }],
        ['102', { state: 'PENDING', reason: 'launch failed requeued held' }],
        ['103', { state: 'PENDING', reason: 'a|b' }],
      ]),
    );
    expect(parseQueue('')).toEqual(new Map());
  });

  it.each([
    ['PENDING', 'Resources', 'waiting'],
    ['PENDING', 'Dependency', 'waiting'],
    ['PENDING', 'JobHeldUser', 'waiting'],
    ['PENDING', 'BeginTime', 'waiting'],
    ['PENDING', 'DependencyNeverSatisfied', 'hopeless'],
    ['PENDING', 'launch_failed_requeued_held', 'hopeless'],
    ['PENDING', 'launch failed requeued held', 'hopeless'],
    ['REQUEUED', 'None', 'waiting'],
    ['CONFIGURING', 'None', 'running'],
    ['RUNNING', 'None', 'running'],
    ['COMPLETING', 'None', 'running'],
    ['SUSPENDED', 'None', 'running'],
    ['COMPLETED', 'None', 'ended'],
    ['FAILED', 'NonZeroExitCode', 'ended'],
    ['CANCELLED', 'DependencyNeverSatisfied', 'ended'],
    ['TIMEOUT', 'TimeLimit', 'ended'],
    ['OUT_OF_MEMORY', 'OutOfMemory', 'ended'],
    ['NODE_FAIL', 'NodeDown', 'lost'],
    ['PREEMPTED', 'None', 'lost'],
  ])('%s for the reason %s: %s', (state, reason, phase) => {
    expect(phaseOf({ state, reason })).toBe(phase);
  });

  it.each([
    [
      'JobId=3 JobState=FAILED Reason=NonZeroExitCode ExitCode=75:0\n NodeList=node2 NumNodes=1',
      'exit status 75 on node2',
    ],
    ['   JobState=FAILED ExitCode=0:9\n   NodeList=node2', 'killed by signal 9 on node2'],
    ['JobState=TIMEOUT ExitCode=0:15 NodeList=node[1-2]', 'TIMEOUT on node[1-2]'],
    ['JobState=CANCELLED ReqNodeList=(null) NodeList=(null) ExitCode=0:0', 'CANCELLED'],
    ['slurm_load_jobs error: Invalid job id specified', undefined],
  ])('ended as scontrol says: %j', (shown, said) => {
    expect(endOf(shown)).toBe(said);
  });

  it.each([
    [[], ''],
    [['7'], '7'],
    [['104', '101', '103', '102'], '101-104'],
    [['9', '10', '12'], '9-10, 12'],
  ])('%j are %s for short', (ids, said) => {
    expect(rangesOf(ids)).toBe(said);
  });
});
