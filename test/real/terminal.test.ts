import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { commandLine, environmentOf, shellLine } from './start-program.ts';

/** What a person sees at a terminal: a real one, made by script(1). */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

/** All that a run writes to a terminal, with its control sequences. */
const onTerminal = (world: World, words: readonly string[], columns: number): string => {
  const env = Object.entries({ ...environmentOf(world), TERM: 'xterm' }).map(([name, value]) => `${name}=${value}`);
  const line = `stty cols ${columns} rows 30; ${shellLine(commandLine(world, words))}`;
  return run('env', ['-i', ...env, 'script', '--quiet', '--return', '--command', line, '/dev/null']);
};

/** What tells a terminal to move, erase or colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
const control = /\x1b\[[\d;?]*[A-Za-z]/g;

const plain = (said: string): string => said.replaceAll(control, '').replaceAll('\r', '');

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
