import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { severities } from '../../src/engine/findings.ts';
import { repository } from '../kernels.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { put } from './dkms-session.ts';
import { deb } from './incoming-debs.ts';
import { cases, clean, type Files, writeSource } from './lint-sources.ts';

/** `kmodsort lint`: each rule speaks of what it is about, where it is, and of nothing else. */

const hasRpmbuild = spawnSync('rpmbuild', ['--version']).error === undefined;
const hasShellcheck = spawnSync('shellcheck', ['--version']).error === undefined;

/** `FILE:LINE rule`, without the directory. */
const foundIn = (stdout: string, directory: string): string[] =>
  stdout
    .split('\n')
    .flatMap((line) => /^(\S+:\d+): (?:error|warning): .* \[([a-z-]+)\]$/.exec(line) ?? [])
    .flatMap((_, index, all) => (index % 3 === 0 ? [`${all[index + 1]} ${all[index + 2]}`] : []))
    .map((line) => line.replace(`${directory}/`, '').replace(directory, ''));

const lint = async (world: World, ...paths: readonly string[]) => world.kmodsort(['lint', ...paths]);

describe('kmodsort lint of a source', () => {
  it('says nothing of a clean one, with 0', async () => {
    const world = disposableWorld();
    const { code, stdout, stderr } = await lint(world, writeSource(world, clean));
    const lines = stdout.split('\n').filter((line) => !line.includes('shellcheck is not installed'));
    expect([code, lines, stderr]).toEqual([0, ['kmodsort: lint: 1 source: nothing found', ''], '']);
  });

  it.each(cases)('$rule: $what', async ({ rule, files, at, edit, name }) => {
    const world = disposableWorld();
    const directory = writeSource(world, { ...clean, ...files }, name);
    edit?.(directory);
    const { code, stdout } = await lint(world, directory);
    expect(foundIn(stdout, directory).filter((line) => !line.includes(' shellcheck-'))).toEqual([`${at} ${rule}`]);
    const isError = Object.entries(severities).some(([one, severity]) => one === rule && severity === 'error');
    expect(code).toBe(isError || stdout.includes('[shellcheck-error]') ? 1 : 0);
  });

  it.each([
    ['a version that the package puts in', { 'dkms.conf': clean['dkms.conf'].replace('1.0+dfsg', '#MODULE_VERSION#') }],
    ['a recipe that starts with +', { Makefile: clean.Makefile.replace('$(MAKE) -C', '+make -C') }],
    [
      'a default of a script',
      { 'prepare.sh': '#!/bin/sh\nK=$(uname -r)\nif [ -n "$1" ]; then K=$1; fi\necho "$K" > release.h\n' },
    ],
    ['make in quotes', { 'dkms.conf': clean['dkms.conf'].replace('"make KVER', `"'make' KVER`) }],
    ['a link out of the source', {}],
  ])('says nothing of %s', async (what, files) => {
    const world = disposableWorld();
    const directory = writeSource(world, { ...clean, ...files });
    put(join(world.root, 'secret.c'), 'MODULE_VERSION("9");\n');
    if (what.includes('link')) {
      rmSync(join(directory, 'demo.c'));
      symlinkSync(join(world.root, 'secret.c'), join(directory, 'demo.c'));
    }
    expect((await lint(world, directory)).stdout).toContain('kmodsort: lint: 1 source: nothing found\n');
  });

  it.skipIf(!hasShellcheck)('asks shellcheck, which knows what dkms sets', async () => {
    const world = disposableWorld();
    const script = '#!/bin/sh\nlocal_test() { local x=1; echo -n "$x"; }\nlocal_test\ncd /nowhere\n';
    const directory = writeSource(world, {
      ...clean,
      'dkms.conf': `${clean['dkms.conf']}PLACE=$kernel_source_dir/$dkms_tree\n[ $unset_by_all = "$PLACE" ]\n`,
      'prepare.sh': script,
    });
    const { stdout } = await lint(world, directory);
    expect(foundIn(stdout, directory)).toEqual(['dkms.conf:18 shellcheck-warning', 'prepare.sh:4 shellcheck-warning']);
    expect(stdout).toContain('SC2154: unset_by_all is referenced but not assigned');
  });
});

const installFile = 'post_install() {\n  depmod -a\n  dkms install demo/1.0\n}\n';
const spec = `Name: demo-dkms
%description
dkms remove is not run here
%post
dkms add -m demo -v 1.0 --rpm_safe_upgrade
%preun
if [ "$1" = 0 ]; then
  dkms remove -m demo -v 1.0 --all
fi
%postun
dkms remove -m demo -v 1.0 --all
%files
`;
const debian: Files = {
  'debian/control': 'Source: demo\n',
  'debian/rules': '#!/usr/bin/make -f\n%:\n\tdh $@\n',
  'debian/install': 'dkms.conf usr/src/demo-1.0\n',
};

describe('kmodsort lint of packaging files', () => {
  const written = (files: Files): string => {
    const world = disposableWorld();
    for (const [path, text] of Object.entries(files)) put(join(world.root, 'work', path), text);
    return join(world.root, 'work');
  };

  it.each([
    [
      'a .install beside its PKGBUILD',
      { PKGBUILD: 'pkgname=demo-dkms\n', 'demo.install': installFile },
      ['demo.install:2 depmod-in-scriptlet', 'demo.install:3 arch-dkms-in-install'],
    ],
    ['a .spec', { 'demo.spec': spec }, ['demo.spec:11 rpm-remove-on-upgrade']],
    ['a .spec that says so', { 'demo.spec': spec.replace(/--all\n%files/, '--all --rpm_safe_upgrade\n%files') }, []],
    ['a debian/ without dh_dkms', debian, ['debian/rules:1 debian-no-removal']],
    ['a debian/ with it', { ...debian, 'debian/control': 'Source: demo\nBuild-Depends: dh-sequence-dkms\n' }, []],
    [
      'a debian/ that makes other packages, too',
      {
        'debian/control': 'Source: demo\nBuild-Depends: dh-sequence-dkms\n',
        'debian/demo-dkms.dkms': 'dkms.conf\n',
        'debian/demo-modules.postinst': '#!/bin/sh\ndepmod 6.1\n',
        'debian/demo-dkms.postinst': '#!/bin/sh\n\ndepmod -a\n',
      },
      ['debian/demo-dkms.postinst:3 depmod-in-scriptlet'],
    ],
    [
      'a debian/ with a prerm of its own',
      { ...debian, 'debian/demo.prerm': '#!/bin/sh\ndkms remove demo/1.0 --all\n' },
      [],
    ],
  ] as const)('%s', async (_what, files, expected) => {
    const directory = written(files);
    const world = disposableWorld();
    const { stdout } = await lint(world, directory);
    expect(foundIn(stdout, directory)).toEqual(expected);
  });
});

/** A package that brings the clean source with one fault. */
const fill = (root: string): void => {
  for (const [path, text] of Object.entries({ ...clean, 'dkms.conf': `${clean['dkms.conf']}REMAKE_INITRD=no\n` }))
    put(join(root, 'usr/src/demo-1.0+dfsg', path), text);
  expect(
    spawnSync('chmod', [
      '755',
      ...['prepare.sh', 'installed.sh'].map((name) => join(root, 'usr/src/demo-1.0+dfsg', name)),
    ]).status,
  ).toBe(0);
};

describe('kmodsort lint of packages', () => {
  it('opens a .deb and looks at its scripts and its source', async () => {
    const world = disposableWorld();
    const file = deb(world, 'demo-dkms', (root) => {
      fill(root);
      put(join(root, 'DEBIAN/postinst'), '#!/bin/sh\n\ndepmod -a\n');
      expect(spawnSync('chmod', ['755', join(root, 'DEBIAN/postinst')]).status).toBe(0);
    });
    const { code, stdout } = await lint(world, file);
    expect(foundIn(stdout, `${world.root}/nothing`)).toEqual([
      `${file}:1 debian-no-removal`,
      `${file}:/usr/src/demo-1.0+dfsg/dkms.conf:17 directive-deprecated`,
      `${file}:postinst:3 depmod-in-scriptlet`,
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain('kmodsort: lint: 1 source, 1 package: 1 error, 2 warnings\n');
  });

  it('opens a package of pacman', async () => {
    const world = disposableWorld();
    const root = join(world.root, 'pack');
    fill(root);
    put(join(root, '.INSTALL'), installFile);
    const file = join(world.root, 'demo-dkms-1.0-1-any.pkg.tar');
    expect(spawnSync('tar', ['-C', root, '-cf', file, '.INSTALL', 'usr']).status).toBe(0);
    const { stdout } = await lint(world, file);
    expect(foundIn(stdout, `${world.root}/nothing`)).toEqual([
      `${file}:.INSTALL:2 depmod-in-scriptlet`,
      `${file}:.INSTALL:3 arch-dkms-in-install`,
      `${file}:/usr/src/demo-1.0+dfsg/dkms.conf:17 directive-deprecated`,
    ]);
  });

  it.skipIf(!hasRpmbuild)('opens an .rpm', async () => {
    const world = disposableWorld();
    const root = join(world.root, 'pack');
    fill(root);
    const install = `%install\nmkdir -p %{buildroot}/usr\ncp -a ${root}/usr/src %{buildroot}/usr/\n`;
    const head = 'Version: 1.0\nRelease: 1\nSummary: a test\nLicense: MIT\nBuildArch: noarch\n';
    const text = spec.replace('%description', `${head}%description`).replace('%post\n', `${install}%post\n`);
    put(join(world.root, 'demo.spec'), `${text}/usr/src/demo-1.0+dfsg\n`);
    const places = ['--define', `_topdir ${world.root}/top`, '--define', `_rpmdir ${world.root}`];
    expect(spawnSync('rpmbuild', ['-bb', ...places, join(world.root, 'demo.spec')]).status).toBe(0);
    const file = join(world.root, 'noarch/demo-dkms-1.0-1.noarch.rpm');
    const { stdout } = await lint(world, file);
    expect(foundIn(stdout, `${world.root}/nothing`)).toEqual([
      `${file}:/usr/src/demo-1.0+dfsg/dkms.conf:17 directive-deprecated`,
      `${file}:postuninstall:1 rpm-remove-on-upgrade`,
    ]);
  });

  it('says what it lacks for one, and of what is none, that it is not', async () => {
    const world = disposableWorld();
    const rpm = join(world.root, 'demo.rpm');
    put(rpm, 'no package');
    const missing = await world.kmodsort(['lint', rpm], { env: { PATH: '/nonexistent' } });
    expect(missing.code).toBe(1);
    expect(missing.stdout).toMatch(/FAILED: .*(rpm|refused)/);
    const empty = join(world.root, 'empty');
    put(join(empty, 'README'), '');
    const { code, stdout } = await lint(world, empty, join(world.root, 'gone'));
    expect([code, stdout.split('\n').slice(0, 2)]).toEqual([
      1,
      [`kmodsort: FAILED: dkms.conf not found: ${empty}`, expect.stringContaining('gone')],
    ]);
  });
});

describe('what lint says', () => {
  it('is one document with --json', async () => {
    const world = disposableWorld();
    const directory = writeSource(world, { ...clean, 'dkms.conf': `${clean['dkms.conf']}LOAD=no\n` });
    expect(await world.json(['lint', directory])).toEqual({
      version: 1,
      kind: 'linted',
      findings: [
        {
          rule: 'directive-unknown',
          severity: 'warning',
          file: join(directory, 'dkms.conf'),
          line: 17,
          directive: 'LOAD',
          reason: 'LOAD is no directive, and nothing in the conf uses it',
          fix: 'remove the line',
        },
      ],
      sources: 1,
      packages: 0,
      failures: [],
      hasShellcheck,
    });
  });

  it('is explained, a section for each rule', () => {
    const page = readFileSync(join(repository, 'docs/lint.md'), 'utf8');
    const sections = [...page.matchAll(/^### (\S+)$/gm)].map(([, code]) => code);
    expect([...sections].sort()).toEqual(Object.keys(severities).sort());
  });
});
