import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, inject, it } from 'vitest';
import { missingPackages, run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { commandLine, environmentOf, shellLine } from './start-program.ts';

/** What a person sees at a terminal: a real one, made by script(1). */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const second = provision.kind === 'ready' ? (provision.kernels[1]?.release ?? '') : '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

const canUnshare =
  process.getuid?.() === 0 && spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

/** All that a run writes to a terminal, with its control sequences. */
const onTerminal = (
  world: World,
  words: readonly string[],
  columns: number,
  rows = 30,
  environment: Readonly<Record<string, string>> = {},
): string => {
  const env = Object.entries({ ...environmentOf(world), TERM: 'xterm', ...environment }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const line = `stty cols ${columns} rows ${rows}; ${shellLine(commandLine(world, words))}`;
  return run('env', ['-i', ...env, 'script', '--quiet', '--return', '--command', line, '/dev/null']);
};

/** What tells a terminal to move, erase or colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
const control = /\x1b\[[\d;?]*[A-Za-z]/g;

const plain = (said: string): string => said.replaceAll(control, '').replaceAll('\r', '');

/** What stands there after each drawing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
const framesOf = (said: string): string[] => said.split(/(?:\u001b\[1A\u001b\[2K)+\r/).map(plain);

describe.skipIf(provision.kind === 'missing')('at a terminal', () => {
  it('sync draws how far it is, what runs and what waits, and ends with the summary', () => {
    const world = newWorld();
    for (const fixture of ['alpha-top', 'mid-link', 'zeta-core']) world.addModule(fixture);
    const said = onTerminal(world, ['sync'], 100);
    const text = plain(said);
    expect(text).toMatch(
      new RegExp(
        `0 of 3 jobs, \\d s\\n {2}zeta-core/1\\.0, ${release.replaceAll('+', '[+]')}: running make, \\d s\\n {2}2 waiting \\(2 for zeta-core\\)`,
      ),
    );
    expect(text.match(/^kmodsort: zeta-core\/1\.0, .*: installed in /gm)).toHaveLength(1);
    expect(text.trim().split('\n').slice(-4).join('\n')).toMatch(/summary: 3 modules on 1 kernel: 3 installed/);
    expect(world.installedObjects(release)).toEqual(['alpha_top', 'mid_link', 'zeta_core']);
  });

  it('what was built before has a time that is left', async () => {
    const world = disposableWorld({
      kernels: provision.kind === 'ready' ? provision.kernels : [],
      distribution: 'arch',
    });
    for (const fixture of ['mid-link', 'zeta-core']) world.addModule(fixture);
    await world.kmodsort(['sync', '-k', release]);
    const frames = framesOf(onTerminal(world, ['sync', '-k', second], 100)).join('\n');
    expect(frames).toMatch(/0 of 2 jobs, \d s, about \d+ s left/);
    expect(frames).not.toMatch(/2 of 2 jobs, .*left/);
  });

  it('sync with more modules than lines stays within them', () => {
    const world = newWorld();
    const names = Array.from({ length: 12 }, (_, index) => `many-${index}`);
    for (const name of names) generate(world, name);
    const rows = 4;
    const said = onTerminal(world, ['sync', '-j', '4'], 60, rows);
    const drawn = framesOf(said).map((frame) => frame.slice(frame.search(/^\d+ of 12 jobs/m)));
    const counted = drawn.filter((frame) => frame.startsWith('0 of 12') || /^\d+ of 12 jobs/.test(frame));
    expect(counted.length).toBeGreaterThan(10);
    expect(counted.every((frame) => frame.trimEnd().split('\n').length < rows)).toBe(true);
    expect(counted.some((frame) => /\n {2}and \d more\n {2}\d waiting/.test(frame))).toBe(true);
    const text = plain(said);
    for (const name of names)
      expect(text.match(new RegExp(`^kmodsort: ${name}/1\\.0, .*: installed in `, 'gm'))).toHaveLength(1);
    expect(text).toMatch(/summary: 12 modules on 1 kernel: 12 installed/);
  });

  it('status is a table, and lines in a pipe', async () => {
    const world = newWorld();
    for (const fixture of ['broken', 'lonely']) world.addModule(fixture);
    await world.kmodsort(['sync']);
    const said = onTerminal(world, ['status'], 100);
    expect(said).toContain('\u001b[31mFAILED\u001b[39m');
    expect(plain(said)).toMatch(
      /^STATE +MODULE +KERNEL +SINCE +REASON\nFAILED +broken\/1\.0 +\S+ +20\d\d-\d\d-\d\d \d\d:\d\d +compiler error: .*\ninstalled +lonely\/1\.0 +\S+\n$/,
    );
    expect((await world.kmodsort(['status'])).stdout).toMatch(/^broken\/1\.0, .*: added\n {2}FAILED 20/);
  });

  it.each([
    ['as they are', ['sync'], {}, true],
    ['not with --no-color', ['sync', '--no-color'], {}, false],
    ['not with NO_COLOR', ['sync'], { NO_COLOR: '1' }, false],
  ])('has colours: %s', (_title, words, environment, isColoured) => {
    const world = newWorld();
    world.addModule('lonely');
    const said = onTerminal(world, words, 80, 24, environment);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one.
    expect(/\u001b\[[\d;]*m/.test(said)).toBe(isColoured);
    expect(plain(said)).toMatch(/summary: 1 module on 1 kernel: 1 installed\n {2}installed {2}lonely/);
  });

  it('is drawn anew when the size changes, and leaves nothing behind', async (context) => {
    const missing = missingPackages(['tmux']);
    if (missing) return context.skip(missing);
    const world = newWorld();
    const names = Array.from({ length: 5 }, (_, index) => `module-with-a-long-name-${index}`);
    for (const name of names) generate(world, name);
    const socket = join(world.root, 'tmux');
    const tmux = (...words: string[]): string => run('tmux', ['-S', socket, '-f', '/dev/null', ...words]);
    const env = Object.entries(environmentOf(world)).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const line = `${shellLine(commandLine(world, ['sync', '-j', '1']))}; echo "ended with $?"; exec sleep 1000`;
    tmux('new-session', '-d', '-x', '100', '-y', '30', ...env, line);
    try {
      const shown = (): string => tmux('capture-pane', '-p', '-J', '-S', '-');
      const until = async (pattern: RegExp): Promise<string> => {
        for (let tries = 0; tries < 600; tries += 1) {
          if (pattern.test(shown())) break;
          await setTimeout(100);
        }
        return shown();
      };
      const sizes = [
        ['50', '20'],
        ['30', '8'],
        ['120', '40'],
        ['80', '24'],
      ] as const;
      for (const [index, [columns, rows]] of sizes.entries()) {
        await until(new RegExp(`^${index} of 5 jobs`, 'm'));
        tmux('resize-window', '-x', columns, '-y', rows);
      }
      const text = await until(/ended with/);
      expect(text).toContain('ended with 0');
      expect(text).toContain('summary: 5 modules on 1 kernel: 5 installed');
      expect(text.match(/ of 5 jobs|waiting|running make/g)).toBeNull();
      for (const name of names) expect(text.match(new RegExp(`${name}/1\\.0, .*: installed in `, 'g'))).toHaveLength(1);
    } finally {
      tmux('kill-server');
    }
  });

  it.skipIf(!canUnshare)('try draws as sync does, and ends with what it found', () => {
    const world = newWorld();
    for (const fixture of ['mid-link', 'zeta-core']) world.addModule(fixture);
    const said = onTerminal(world, ['try', '-k', release], 100);
    const text = plain(said);
    expect(text).toMatch(
      /0 of 2 jobs, \d s\n {2}zeta-core\/1\.0.*: running make, \d s\n {2}1 waiting \(1 for zeta-core\)/,
    );
    expect(text).toMatch(/^kmodsort: zeta-core\/1\.0, .*: ready in /m);
    expect(text).toMatch(/trial: 2 modules on 1 kernel: 2 ready\n {2}ready .*\n {2}ready .*\n.*nothing was installed/);
    expect(framesOf(said).at(-1)).not.toContain('of 2 jobs');
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
