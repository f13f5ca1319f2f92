import { describe, expect, it } from 'vitest';
import type { PushAnswer, PushedEntry } from '../../../src/engine/delivered.ts';
import type { Failure } from '../../../src/engine/errors.ts';
import type { Problem } from '../../../src/engine/problems.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { failureHelp, failureInOneLine } from '../../../src/report/failures.ts';
import { outcomeReason } from '../../../src/report/messages.ts';
import { noteSentence } from '../../../src/report/notes.ts';
import { problemSentence } from '../../../src/report/problems.ts';
import { pushLines } from '../../../src/report/push.ts';
import { kernel } from './world.ts';

const to = 'registry.example.org/kmods';
const entry = (state: PushedEntry['state'], name = 'zfs'): PushedEntry => ({
  module: `${name}/2.3.9`,
  kernel: '6.1.0-56-amd64/x86_64',
  key: '3f2a',
  bytes: 12_900_000,
  artifact: `${to}/${name}:3f2a`,
  state,
});
const answer = (entries: readonly PushedEntry[], failures: readonly Failure[] = []): PushAnswer => ({
  kind: 'pushed',
  entries,
  to,
  key: 'SHA256:abc',
  failures,
});
const status = (one: PushAnswer): number => exitStatus(one, 'typed', { requiredFailed: false });

describe('what was pushed', () => {
  it('is told in a line each, with what it is called there', () => {
    const told = answer([entry('pushed'), entry('there', 'spl'), entry('foreign', 'v4l2loopback'), entry('damaged')]);
    expect(pushLines(told)).toEqual([
      `kmodsort: 4 builds for ${to}, signed with SHA256:abc: 1 pushed, 1 already there, 1 skipped, 1 FAILED`,
      `  pushed         zfs/2.3.9           6.1.0-56-amd64  12.3 MiB  ${to}/zfs:3f2a`,
      `  already there  spl/2.3.9           6.1.0-56-amd64  12.3 MiB  ${to}/spl:3f2a`,
      '  skipped        v4l2loopback/2.3.9  6.1.0-56-amd64            another builder has made it',
      '  FAILED         zfs/2.3.9           6.1.0-56-amd64            damaged in the store, and removed there',
    ]);
  });
  it('is told before, too', () => {
    expect(pushLines(answer([entry('planned')]))).toEqual([
      `kmodsort: 1 build for ${to}, signed with SHA256:abc: 1 to be pushed`,
      `  to be pushed  zfs/2.3.9  6.1.0-56-amd64  12.3 MiB  ${to}/zfs:3f2a`,
    ]);
  });
  it('says of what no module signature went along', () => {
    expect(pushLines(answer([{ ...entry('pushed'), unsigned: true }]))[1]).toBe(
      `  pushed  zfs/2.3.9  6.1.0-56-amd64  12.3 MiB  ${to}/zfs:3f2a (without module signatures: it is not built and signed here)`,
    );
  });
  it('names what cannot be built anywhere', () => {
    const failure: Failure = { kind: 'compiler-failed', by: 'ci@example.org' };
    expect(pushLines(answer([{ ...entry('pushed'), failure }]))[1]).toMatch(/:3f2a \(compiler error\)$/);
    expect(outcomeReason({ kind: 'failed', failure, remembered: true })).toBe(
      'compiler error, as on the builder ci@example.org (in an earlier run; nothing has changed since)',
    );
  });
  it('ends with what kept the rest from it', () => {
    const problem: Problem = { problem: 'credentials-refused', said: 'unauthorized' };
    const refused = answer([entry('pushed')], [{ kind: 'registry-failed', at: to, problem }]);
    expect(pushLines(refused).slice(2)).toEqual([
      `kmodsort: FAILED: cannot use the registry: ${to}: credentials refused: unauthorized`,
      '  help  skopeo login --authfile /etc/kmodsort/auth.json registry.example.org',
    ]);
    expect(pushLines(answer([], [{ kind: 'interrupted' }]))[0]).toBe(
      `kmodsort: 0 builds for ${to}, signed with SHA256:abc`,
    );
  });
  it.each<[number, PushAnswer]>([
    [0, answer([entry('pushed'), entry('there'), entry('foreign')])],
    [1, answer([entry('pushed'), entry('damaged')])],
    [1, answer([entry('pushed')], [{ kind: 'interrupted' }])],
  ])('ends with %i', (expected, one) => {
    expect(status(one)).toBe(expected);
  });
});

describe('what is prebuilt', () => {
  const module = { name: 'zfs', version: '2.3.9' };
  const artifact = `${to}/zfs:3f2a`;
  it('is told with who has built it, and when', () => {
    const from = { built: '2026-11-24T10:00:00.000Z', seconds: 279, by: 'ci@example.org' };
    expect(outcomeReason({ kind: 'installed', from })).toBe(
      'prebuilt by ci@example.org (built 2026-11-24 in 4 min 39 s)',
    );
    const { by: _by, ...own } = from;
    expect(outcomeReason({ kind: 'built', from: own })).toBe('from the store (built 2026-11-24 in 4 min 39 s)');
  });
  it('and is not taken is told with the reason', () => {
    const why: Problem = { problem: 'no-statement' };
    expect(noteSentence({ note: 'prebuilt-missing', module, kernel, artifact })).toBe(
      `zfs/2.3.9, 6.1.0-56-amd64: no prebuilt build, building here: ${artifact}`,
    );
    expect(noteSentence({ note: 'prebuilt-refused', module, kernel, artifact, why })).toBe(
      `warning: zfs/2.3.9, 6.1.0-56-amd64: prebuilt build refused, building here: ${artifact}: it is not signed`,
    );
    expect(noteSentence({ note: 'registry-failed', registry: to, why: { problem: 'no-answer', said: 'x' } })).toBe(
      `warning: no prebuilt builds, building here: ${to}: x`,
    );
  });
  it.each<[Problem, string]>([
    [
      { problem: 'too-large', what: 'x', size: 5e9, most: 1024 ** 3 },
      'too large: x has 4769 MiB, at most 1024 MiB are taken',
    ],
    [{ problem: 'too-large', what: 'x', most: 4 * 1024 ** 2 }, 'too large: x, at most 4 MiB are taken'],
    [{ problem: 'other-key', found: 'abc' }, 'it is another build, with the key abc'],
    [{ problem: 'key-unknown' }, "its key is not known without the kernel's headers and compiler"],
  ])('%j', (problem, sentence) => {
    expect(problemSentence(problem)).toBe(sentence);
  });
  it('helps nobody to credentials who needs none', () => {
    const silent: Failure = { kind: 'registry-failed', at: to, problem: { problem: 'no-answer', said: 'x' } };
    expect([failureInOneLine(silent), failureHelp(silent)]).toEqual([`cannot use the registry: ${to}: x`, undefined]);
  });
});
