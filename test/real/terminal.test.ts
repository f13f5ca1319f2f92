import { spawnSync } from 'node:child_process';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { commandLine, environmentOf, shellLine } from './start-program.ts';

/** What a person sees at a terminal: a real one, made by script(1). */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

const canUnshare =
  process.getuid?.() === 0 && spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

/** All that a run writes to a terminal, with its control sequences. */
const onTerminal = (world: World, words: readonly string[], columns: number, rows = 30): string => {
  const env = Object.entries({ ...environmentOf(world), TERM: 'xterm' }).map(([name, value]) => `${name}=${value}`);
  const line = `stty cols ${columns} rows ${rows}; ${shellLine(commandLine(world, words))}`;
  return run('env', ['-i', ...env, 'script', '--quiet', '--return', '--command', line, '/dev/null']);
};

/** What tells a terminal to move, erase or colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
const control = /\x1b\[[\d;?]*[A-Za-z]/g;

const plain = (said: string): string => said.replaceAll(control, '').replaceAll('\r', '');

/** What stands there between the times that the cursor goes up. */
const framesOf = (said: string): string[] =>
  said
    .split('\u001b[1A')
    .map(plain)
    .filter((frame) => frame.trim() !== '');

describe.skipIf(provision.kind === 'missing')('at a terminal', () => {
  it('sync draws what runs and what waits, and ends with the summary', () => {
    const world = newWorld();
    for (const fixture of ['alpha-top', 'mid-link', 'zeta-core']) world.addModule(fixture);
    const said = onTerminal(world, ['sync'], 100);
    const text = plain(said);
    expect(said.match(control)?.length).toBeGreaterThan(10);
    expect(text).toContain(`zeta-core/1.0, ${release}`);
    expect(text).toMatch(/alpha-top\/1\.0.*waiting for mid-link/);
    expect(text.trim().split('\n').slice(-4).join('\n')).toMatch(/summary: 3 modules on 1 kernel: 3 installed/);
    expect(world.installedObjects(release)).toEqual(['alpha_top', 'mid_link', 'zeta_core']);
  });

  it('sync with more modules than lines draws what runs, and how far all are', () => {
    const world = newWorld();
    const names = Array.from({ length: 12 }, (_, index) => `many-${index}`);
    for (const name of names) generate(world, name);
    const rows = 8;
    const said = onTerminal(world, ['sync'], 100, rows);
    const frames = framesOf(said);
    const counted = frames.filter((frame) => frame.includes('of 12 jobs done'));
    expect(counted.length).toBeGreaterThan(10);
    expect(counted.every((frame) => frame.trimEnd().split('\n').length <= rows)).toBe(true);
    for (const name of names) expect(counted.some((frame) => frame.includes(`${name}/1.0, ${release}: `))).toBe(true);
    expect(
      counted.some((frame) => /\d+ of 12 jobs done, [1-9]\d* running\n.*: (?:running make|copying)/.test(frame)),
    ).toBe(true);
    expect(plain(said)).toMatch(/summary: 12 modules on 1 kernel: 12 installed/);
    expect(frames.at(-1)).not.toContain('jobs done');
  });

  it.skipIf(!canUnshare)('try draws as sync does, and ends with what it found', () => {
    const world = newWorld();
    for (const fixture of ['mid-link', 'zeta-core']) world.addModule(fixture);
    const said = onTerminal(world, ['try', '-k', release], 100);
    const text = plain(said);
    expect(said.match(control)?.length).toBeGreaterThan(10);
    expect(text).toMatch(/zeta-core\/1\.0.*: running make/);
    expect(text).toMatch(/mid-link\/1\.0.*waiting for zeta-core/);
    expect(text).toMatch(/trial: 2 modules on 1 kernel: 2 ready\n {2}ready .*\n {2}ready .*\n.*nothing was installed/);
    expect(framesOf(said).at(-1)).not.toContain('running make');
    expect(world.installedObjects(release)).toEqual([]);
  });

  it('sync writes plain lines to a terminal without a size, as serial consoles are', () => {
    const world = newWorld();
    world.addModule('lonely');
    const said = onTerminal(world, ['sync'], 0);
    expect(said).not.toMatch(control);
    expect(said).toContain(`kmodsort: lonely/1.0, ${release}: installed in `);
  });

  it('a hook writes plain lines all the same', () => {
    const world = newWorld();
    world.addModule('lonely');
    const said = onTerminal(world, ['hook', 'run', 'apt', 'trigger'], 100);
    expect(said).not.toMatch(control);
    expect(said).toContain(`kmodsort: lonely/1.0, ${release}: installed in `);
    expect(said).toContain('summary: 1 module on 1 kernel: 1 installed');
  });
});
