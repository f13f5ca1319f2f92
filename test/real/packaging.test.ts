import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';
import { run } from '../packages.ts';

/** What the one recipe of all packages puts where. */

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

const installed = (layout: string, ...more: string[]): string => {
  const root = mkdtempSync(join(tmpdir(), 'kmodsort-install-'));
  roots.push(root);
  run('sh', [join(repository, 'packaging/install.sh'), '--destdir', root, '--layout', layout, ...more]);
  return root;
};

describe.each([
  [
    'debian',
    'usr/sbin/dkms',
    ['etc/kernel/postinst.d/00-kmodsort', 'etc/kernel/prerm.d/00-kmodsort', 'etc/apt/apt.conf.d/50kmodsort'],
  ],
  [
    'arch',
    'usr/bin/dkms',
    [
      'usr/share/libalpm/hooks/70-kmodsort-install.hook',
      'usr/share/libalpm/hooks/71-kmodsort-remove.hook',
      'usr/share/libalpm/hooks/05-kmodsort-guard.hook',
      'usr/share/libalpm/hooks/zz-kmodsort-boot-guard.hook',
    ],
  ],
  ['rpm', 'usr/sbin/dkms', ['usr/lib/kernel/install.d/40-dkms.install']],
])('install.sh --layout %s', (layout, dkms, hooks) => {
  let root = '';
  beforeAll(() => {
    root = installed(layout, '--node', '/opt/node/bin/node');
  });

  it('puts both names and the hooks of the distribution in place, the path of node in the first line', () => {
    const program = readFileSync(join(root, 'usr/lib/kmodsort/kmodsort.mjs'), 'utf8');
    expect(program.split('\n')[0]).toBe('#!/opt/node/bin/node');
    expect(readlinkSync(join(root, 'usr/bin/kmodsort'))).toBe('../lib/kmodsort/kmodsort.mjs');
    expect(statSync(join(root, dkms)).mode & 0o777).toBe(0o755);
    expect(hooks.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(readlinkSync(join(root, 'usr/lib/systemd/system/dkms.service'))).toBe('kmodsort.service');
  });

  it('leaves no placeholder, nothing that others may write, and every script parses', () => {
    const files = run('find', [root, '-type', 'f']).split('\n').filter(Boolean);
    const texts = files.filter((path) => !/\.(gz|mjs)$/.test(path));
    expect(texts.filter((path) => /@[A-Z]+@/.test(readFileSync(path, 'utf8')))).toEqual([]);
    expect(files.filter((path) => (lstatSync(path).mode & 0o022) !== 0)).toEqual([]);
    const scripts = texts.filter((path) => readFileSync(path, 'utf8').startsWith('#!/bin/sh'));
    expect(scripts.length).toBeGreaterThanOrEqual(6);
    for (const script of scripts) run('sh', ['-n', script]);
  });
});

describe('the installed program', () => {
  const started = (name: string, ...words: string[]): string => {
    const root = installed('debian');
    return run(process.execPath, [join(root, 'usr/lib/kmodsort', name), ...words]);
  };

  it.each([
    ['kmodsort.mjs', ['--version'], /^kmodsort \d/],
    ['dkms', ['--version'], /^dkms-\d/],
    ['kmodsort.mjs', ['--help'], /Commands:/],
    ['dkms', ['build', '--help'], /dkms build NAME\/VERSION/],
    ['kmodsort.mjs', ['verify', '-k', '0.0.0', '--installtree', '/nonexistent', '--json'], /"kernel-missing"/],
  ])('finds its parts wherever it is: %s %j', (name, words, expected) => {
    const { stdout } = spawnSync(process.execPath, [join(installed('debian'), 'usr/lib/kmodsort', name), ...words], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(expected);
  });

  it.each([
    ['dist/kmodsort.mjs', 'src/cli/quick.ts'],
    ['dist/lib/session.mjs', 'src/engine/verbs/status.ts'],
  ])('answers questions from files without packages in them: %s', (file, holds) => {
    const text = readFileSync(join(repository, file), 'utf8');
    expect(text).toContain(holds);
    expect(text).not.toMatch(/node_modules|src\/engine\/(jobs|build|install\/install)/);
    expect(started('dkms', 'status', '--dkmstree', '/nonexistent')).toBe('');
  });
});

describe('the installed hook of a program that is not whole', () => {
  // Without these nothing is changed, on whatever machine this runs.
  it.each(['session', 'adapters-hook-request', 'engine-verbs-change'])('keeps its words: without %s', (part) => {
    const root = installed('debian', '--node', process.execPath);
    const below = join(root, 'usr/lib/kmodsort');
    rmSync(join(below, `lib/${part}.mjs`));
    for (const name of ['hook', 'queue.sh']) {
      const text = readFileSync(join(below, name), 'utf8').replaceAll('/usr/lib/kmodsort', below);
      writeFileSync(join(below, name), text.replaceAll('/var/lib/kmodsort', join(root, 'var/lib/kmodsort')));
    }
    const queue = join(root, 'var/lib/kmodsort/queue');
    const hook = (...words: string[]) =>
      spawnSync(join(below, 'hook'), words, { encoding: 'utf8', input: 'usr/src/x-1/dkms.conf\n' });
    const ended = hook('apt', 'source', 'x', '1');
    expect([ended.status, ended.stderr]).toEqual([0, expect.stringContaining("'apt source x 1' waits in")]);
    expect(hook('pacman', 'install').status).toBe(1);
    const texts = readdirSync(queue).map((name) => readFileSync(join(queue, name), 'utf8'));
    expect(texts.sort()).toEqual(['apt\nsource\nx\n1\n\n', 'pacman\ninstall\n\nusr/src/x-1/dkms.conf\n']);
  });
});

describe('install.sh', () => {
  it.each([
    [['--layout', 'debian']],
    [['--destdir', '/tmp/x', '--layout', 'slackware']],
    [['--destdir', '/tmp/x', '--layout', 'debian', '--node', 'node']],
    [['--destdir']],
  ])('ends with 2 for wrong words: %s', (words) => {
    expect(spawnSync('sh', [join(repository, 'packaging/install.sh'), ...words]).status).toBe(2);
  });
});

describe('completions', () => {
  it('of bash know actions, modules and kernels without starting the program', () => {
    const script = join(repository, 'dist/completion/kmodsort.bash');
    const line = `. ${script}; COMP_WORDS=(dkms inst); COMP_CWORD=1; _kmodsort; printf '%s\\n' "\${COMPREPLY[@]}"`;
    // With an empty PATH nothing can be started.
    const { stdout } = spawnSync('/bin/bash', ['--norc', '-c', line], { encoding: 'utf8' });
    expect(stdout.split('\n')).toContain('install');
    expect(readFileSync(script, 'utf8')).not.toMatch(/\bnode\b|kmodsort\.mjs/);
  });

  it('of kmodsort know its commands', () => {
    const text = readFileSync(join(repository, 'dist/completion/kmodsort.bash'), 'utf8');
    for (const command of ['hook', 'sync', 'plan', 'status', 'verify', 'guard', 'log']) expect(text).toContain(command);
  });
});

describe('manual pages', () => {
  it.each(['dkms.8', 'dkms.conf.5', 'kmodsort.8'])('%s has no placeholder left, and its sections', (page) => {
    const text = readFileSync(join(repository, 'dist/man', page), 'utf8');
    expect(text).not.toMatch(/@[A-Z_]+@/);
    for (const section of ['NAME', 'DESCRIPTION', 'SEE ALSO']) expect(text).toContain(`.SH ${section}`);
  });
});
