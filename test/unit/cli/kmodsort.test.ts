import { describe, expect, it } from 'vitest';
import type { Invocation } from '../../../src/cli/invocation.ts';
import { parseCommandLine } from '../../../src/cli/kmodsort.ts';
import { retryCommand } from '../../../src/cli/options.ts';

const parse = (...argv: string[]): Promise<Invocation> =>
  parseCommandLine(argv, { cwd: '/somewhere', version: '0.1.0', columns: 100, self: ['node', 'kmodsort.mjs'] });

describe('parseCommandLine', () => {
  it('keeps kernel releases as they are written', async () => {
    const run = await parse('sync', '-k', '1.10', '--kernelver', '6.10', '--kernel=6.20', '-k', '1.10');
    expect(run).toMatchObject({
      kind: 'run',
      exitPolicy: 'typed',
      output: 'auto',
      task: {
        kind: 'request',
        request: {
          verb: 'sync',
          origin: 'typed',
          dryRun: false,
          scope: { kind: 'only', kernels: [{ release: '1.10' }, { release: '6.10' }, { release: '6.20' }] },
        },
      },
    });
  });

  it('looks after the usual kernels when none is named', async () => {
    expect(await parse('sync', '--dry-run')).toMatchObject({
      task: { request: { scope: { kind: 'usual' }, dryRun: true } },
    });
  });

  it('makes a plan of a sync', async () => {
    expect(await parse('plan', '--dot')).toMatchObject({
      output: 'dot',
      task: { request: { verb: 'sync', dryRun: true } },
    });
    expect(await parse('plan', '--json')).toMatchObject({ output: 'json' });
  });

  it('asks for the state and for logs', async () => {
    expect(await parse('status')).toMatchObject({ task: { request: { verb: 'status' } } });
    expect(await parse('status', 'zfs/2.3', '--failed', '-k', '6.1')).toMatchObject({
      task: { request: { name: 'zfs', version: '2.3', onlyFailed: true, kernels: [{ release: '6.1' }] } },
    });
    expect(await parse('log', 'zfs')).toMatchObject({ task: { request: { verb: 'log', name: 'zfs' } } });
    const full = await parse('log', 'zfs/2.10', '-k', '6.10');
    expect(full).toMatchObject({ task: { request: { verb: 'log', name: 'zfs', version: '2.10', release: '6.10' } } });
  });

  it.each<[string[], object]>([
    [['push'], { names: [], releases: [], dryRun: false }],
    [
      ['push', 'zfs', 'spl/2.3', 'zfs', '-k', '6.10', '--dry-run'],
      { names: ['zfs', 'spl/2.3'], releases: ['6.10'], dryRun: true },
    ],
  ])('pushes: %j', async (argv, request) => {
    expect(await parse(...argv)).toMatchObject({
      exitPolicy: 'typed',
      task: { request: { verb: 'push', ...request } },
    });
  });

  it.each<[string[], object]>([
    [['pack', '-k', '6.10', '--deb'], { names: [], format: 'deb', output: '/somewhere', dryRun: false }],
    [
      ['pack', 'zfs', '-k', '6.10', '--pacman', '-o', 'a', '-o', 'repo', '--dry-run'],
      { names: ['zfs'], releases: ['6.10'], format: 'pacman', output: '/somewhere/repo', dryRun: true },
    ],
  ])('packs: %j', async (argv, request) => {
    expect(await parse(...argv)).toMatchObject({ task: { request: { verb: 'pack', ...request } } });
  });

  it.each<[string[], object]>([
    [['produce', 'zfs/2.3', '-k', '6.10'], { module: { name: 'zfs', version: '2.3' }, release: '6.10', sources: [] }],
    [
      [
        ...['produce', 'zfs/2.3', '-k', '6.10', '--source', `zfs/2.3@${'a'.repeat(64)}`],
        ...['--source', `s@l/1@${'b'.repeat(64)}`, '--headers', 'c'.repeat(64), '--ticket', 't'],
      ],
      {
        sources: [
          { name: 'zfs/2.3', hash: 'a'.repeat(64) },
          { name: 's@l/1', hash: 'b'.repeat(64) },
        ],
        headers: 'c'.repeat(64),
        ticket: 't',
      },
    ],
  ])('produces: %j', async (argv, request) => {
    expect(await parse(...argv)).toMatchObject({ task: { request: { verb: 'produce', ...request } } });
  });

  it.each<[string[], string | undefined]>([
    [[], undefined],
    [['--on', 'local', '-j', '4'], undefined],
    [['--on', 'slurm'], '"slurm":{"cores":1}'],
    [['--on', 'slurm', '-j', '0'], '"slurm":{"cores":1}'],
    [['--on', 'slurm', '-j', '4'], '"slurm":{"cores":4}'],
  ])('builds a matrix where it is told to: %j', async (argv, slurm) => {
    const found = await parse('matrix', '.', '--kernels', '6.1', ...argv);
    expect(found).toMatchObject({ task: { request: { verb: 'matrix' } } });
    expect(/"slurm":\{[^}]*\}/.exec(JSON.stringify(found))?.[0]).toBe(slurm);
  });

  it('takes overrides, paths made absolute, the last one of two', async () => {
    const run = await parse('sync', '--dkmstree', 'a', '--dkmstree', 'b', '--os-release=/x/os', '-j', '0', '--verbose');
    expect(run).toMatchObject({ verbose: true, overrides: { dkmsTree: '/somewhere/b', osRelease: '/x/os', jobs: 0 } });
  });

  it("hands over a hook's words untouched", async () => {
    const task = { kind: 'hook', manager: 'apt', words: ['postinst', '6.10', '/boot/x'], dryRun: false };
    expect(await parse('hook', 'run', 'apt', 'postinst', '6.10', '/boot/x')).toMatchObject({ exitPolicy: 'apt', task });
    expect(await parse('hook', 'run', 'apt', '--', 'postinst', '6.10', '/boot/x')).toMatchObject({
      exitPolicy: 'apt',
      task,
    });
    expect(await parse('hook', 'run', '--', 'rpm', 'add', '-6')).toMatchObject({
      task: { manager: 'rpm', words: ['add', '-6'] },
    });
  });

  it('makes a bare hook run a hook with the exitPolicy of a typed command', async () => {
    expect(await parse('hook', 'run')).toMatchObject({
      exitPolicy: 'typed',
      task: { kind: 'request', request: { origin: 'hook', scope: { kind: 'usual' }, dropOnly: false } },
    });
  });

  it('says its version and its help', async () => {
    expect(await parse('--version')).toEqual({ kind: 'text', text: 'kmodsort 0.1.0\n', code: 0 });
    expect(await parse('--help')).toMatchObject({ code: 0, text: expect.stringContaining('kmodsort sync') });
    expect(await parse('plan', '--help')).toMatchObject({ code: 0, text: expect.stringContaining('--dot') });
    expect(await parse('hook', 'run', '--help')).toMatchObject({ code: 0, text: expect.stringContaining('words') });
  });

  it.each([
    [[], 'no command given'],
    [['snyc'], 'did you mean sync?'],
    [['hook', 'rum'], 'unknown command or argument rum'],
    [['hook', 'run', 'atp'], 'did you mean apt?'],
    [['sync', '--dry-rum'], 'unknown option --dry-rum: did you mean --dry-run?'],
    [['sync', '--no-dry-run'], 'unknown option --no-dry-run'],
    [['sync', '-z'], 'unknown option -z'],
    [['sync', 'zfs'], 'unknown command or argument zfs'],
    [['sync', '-k'], 'requires a value'],
    [['sync', '--dkmstree='], '--dkmstree requires a value'],
    [['sync', '-j', '-1'], '--jobs'],
    [['sync', '-j', '1.5'], "'1.5'"],
    [['sync', '-k', '../..'], "invalid kernel release '../..'"],
    [['plan', '--json', '--dot'], 'are mutually exclusive'],
    [['log'], 'missing argument'],
    [['log', 'a/b/c'], "invalid module 'a/b/c'"],
    [['log', 'a', '-k', '1', '-k', '2'], 'log accepts one -k only'],
  ])('refuses %j', async (argv: string[], said: string) => {
    const text = await parse(...argv);
    expect(text).toMatchObject({ kind: 'text', code: 2, text: expect.stringContaining(said) });
  });

  it.each([
    [['try'], { names: [], archives: [], next: false, releases: [] }],
    [['try', 'zfs', '-k', '6.1'], { names: ['zfs'], archives: [], releases: ['6.1'] }],
    [['try', '--next'], { next: true }],
    [
      ['try', '--packages', 'a.deb', 'b.rpm', '/c/d.pkg.tar.zst', 'zfs'],
      { names: ['zfs'], archives: ['/somewhere/a.deb', '/somewhere/b.rpm', '/c/d.pkg.tar.zst'] },
    ],
  ])('takes package files where it takes names: %j', async (argv, request) => {
    expect(await parse(...argv)).toMatchObject({
      kind: 'run',
      exitPolicy: 'typed',
      task: { request: { verb: 'try', program: ['node', 'kmodsort.mjs'], ...request } },
    });
  });

  it.each<[string[], object]>([
    [['matrix', 'zfs', '--kernels', '6.10'], { names: ['zfs'], directories: [], releases: ['6.10'] }],
    [
      [
        'matrix',
        '.',
        './a',
        '/b/c',
        'd',
        '--kernels',
        'a.deb',
        'b.deb',
        '--kernels',
        './linux',
        '--kernels-from',
        'all',
      ],
      {
        names: ['d'],
        directories: ['/somewhere', '/somewhere/a', '/b/c'],
        archives: ['/somewhere/a.deb', '/somewhere/b.deb'],
        places: ['/somewhere/linux', '/somewhere/all'],
        releases: [],
      },
    ],
  ])('tells modules from kernels: %j', async (argv, request) => {
    expect(await parse(...argv)).toMatchObject({ task: { request: { verb: 'matrix', ...request } } });
  });

  it('knows where the page goes', async () => {
    expect(await parse('matrix', 'a', '--kernels', '6.1', '--html', 'x.html')).toMatchObject({
      page: '/somewhere/x.html',
    });
  });

  it.each(['github', 'gitlab'])('prints jobs for %s, one for each kernel', async (system) => {
    const kernels = ['--kernels', '6.10', '--kernels', '6.1.0-56-amd64'];
    const said = await parse('matrix', '.', "./it's", ...kernels, '--print', system);
    expect(said).toMatchObject({ kind: 'text', code: 0 });
    const text = said.kind === 'text' ? said.text : '';
    expect(text).toContain("          - '6.10'\n          - '6.1.0-56-amd64'\n");
    expect(text).toMatch(/kmodsort matrix \. .*it.*s.* --kernels "\$KERNEL" --html matrix\.html/);
  });

  it.each([
    [['matrix', '.', '--kernels', 'a.deb', '--print', 'github'], '--print needs kernel releases'],
    [['matrix', 'zfs', '--kernels', '6.1', '--print', 'github'], '--print needs source directories: no module zfs'],
    [['matrix', '.', '--kernels', '6.1', '--print', 'jenkins'], 'Choices: "github", "gitlab"'],
    [['matrix', 'a..b', '--kernels', '6.1'], "invalid module 'a..b'"],
    [['matrix', '.', '--kernels', '6.1', '--on', 'sge'], 'Choices: "local", "slurm"'],
    [['produce', 'zfs', '-k', '6.1'], "invalid module 'zfs': use NAME/VERSION"],
    [['produce', 'zfs/2.3'], 'produce requires one -k KERNEL'],
    [['produce', 'zfs/2.3', '-k', '6.1', '-k', '6.2'], 'produce requires one -k KERNEL'],
    [['produce', 'zfs/2.3', '-k', '6.1', '--source', 'zfs/2.3'], "invalid source 'zfs/2.3': use NAME/VERSION@HASH"],
    [['produce', 'zfs/2.3', '-k', '6.1', '--headers', 'x'], "invalid --headers 'x': use HASH"],
    [['try', 'a/b'], "invalid module 'a/b': use NAME"],
    [['try', '--packages', 'a.zip'], "not a package file (.deb, .rpm, .pkg.tar.*): 'a.zip'"],
    [['pack', '--deb'], 'pack requires -k KERNEL'],
    [['pack', '-k', '6.10'], 'pack requires one of --deb, --rpm and --pacman'],
    [['pack', '-k', '6.10', '--deb', '--rpm'], 'pack requires one of --deb, --rpm and --pacman'],
    [['pack', '-k', '6.10', '--deb', 'a/b/c'], "invalid module 'a/b/c': use NAME or NAME/VERSION"],
    [['push', 'a/b/c'], "invalid module 'a/b/c': use NAME or NAME/VERSION"],
    [['try', '-k', '../x'], "invalid kernel release '../x'"],
  ])('refuses %j', async (argv, said) => {
    expect(await parse(...argv)).toMatchObject({ kind: 'text', code: 2, text: expect.stringContaining(said) });
  });
});

describe('retryCommand', () => {
  it('repeats the places that were given, so that it can be pasted', () => {
    expect(retryCommand('sync', {}, '6.1.0')).toBe('kmodsort sync -k 6.1.0');
    expect(retryCommand('sync', { jobs: 2, dkmsTree: '/t/dkms', stateDir: "/it's here" }, '6.1.0')).toBe(
      "kmodsort sync -k 6.1.0 --dkmstree /t/dkms --statedir '/it'\\''s here'",
    );
  });
});
