import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';

/** The release step in a repository of its own, by the real git. */

const script = join(repository, 'packaging/release.mjs');
const hasGit = spawnSync('git', ['--version']).error === undefined;

const directory = mkdtempSync(join(tmpdir(), 'kmodsort-release-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const changelog = (unreleased: string): string =>
  `# Changelog\n\nNewest first.\n\n## Unreleased\n${unreleased}\n## 0.9.3 - 2024-02-29\n\n* Older.\n`;
const someNews = '\n* Something new.\n';

const manifest = '{\n  "name": "kmodsort",\n  "version": "0.9.3",\n  "bin": { "dkms": "x" }\n}\n';
/** A dependency of the same version is none of ours. */
const lock = JSON.stringify(
  {
    version: '0.9.3',
    packages: { '': { name: 'kmodsort', version: '0.9.3' }, 'node_modules/other': { version: '0.9.3' } },
  },
  null,
  2,
);

/** Nothing of the machine's or the caller's git: a hook's variables would lead to another repository. */
const environment = {
  PATH: process.env.PATH,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Tester',
  GIT_AUTHOR_EMAIL: 'tester@localhost',
  GIT_COMMITTER_NAME: 'Tester',
  GIT_COMMITTER_EMAIL: 'tester@localhost',
};

interface Project {
  readonly git: (...words: string[]) => string;
  readonly text: (file: string) => string;
  readonly release: (version: string) => { readonly code: number | null; readonly errors: string };
  readonly root: string;
}

const project = (unreleased: string): Project => {
  const root = mkdtempSync(join(directory, 'project-'));
  const run = (program: string, words: readonly string[]) =>
    spawnSync(program, words, { cwd: root, encoding: 'utf8', env: environment });
  const git = (...words: string[]): string => run('git', words).stdout.trim();
  writeFileSync(join(root, 'CHANGELOG.md'), changelog(unreleased));
  writeFileSync(join(root, 'package.json'), manifest);
  writeFileSync(join(root, 'package-lock.json'), lock);
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Begin');
  return {
    root,
    git,
    text: (file) => readFileSync(join(root, file), 'utf8'),
    release: (version) => {
      const { status, stderr } = run(process.execPath, [script, version]);
      return { code: status, errors: stderr };
    },
  };
};

describe.skipIf(!hasGit)('a release', () => {
  it('puts number and day above what was unreleased, and an empty section above that', () => {
    const { release, text, git } = project(someNews);
    expect(release('0.10.0')).toEqual({ code: 0, errors: '' });
    const day = new Date().toISOString().slice(0, 10);
    expect(text('CHANGELOG.md')).toBe(changelog(`\n## 0.10.0 - ${day}\n${someNews}`));
    expect(text('package.json')).toBe(manifest.replace('0.9.3', '0.10.0'));
    expect(JSON.parse(text('package-lock.json'))).toEqual({
      version: '0.10.0',
      packages: { '': { name: 'kmodsort', version: '0.10.0' }, 'node_modules/other': { version: '0.9.3' } },
    });
    expect(git('log', '-1', '--format=%s %D')).toMatch(/^Release 0\.10\.0 .*tag: v0\.10\.0/);
    expect(git('status', '--porcelain')).toBe('');
  });

  it.each([
    ['the version that it has', '0.9.3', someNews, 'is not greater'],
    ['an older version', '0.8.9', someNews, 'is not greater'],
    ['a version that is older by numbers, not by letters', '0.9.2', someNews, 'is not greater'],
    ['two numbers', '1.0', someNews, 'usage'],
    ['a tag for a version', 'v1.0.0', someNews, 'usage'],
    ['nothing to tell', '1.0.0', '', 'nothing is told'],
    ['nothing but empty lines to tell', '1.0.0', '\n  \n', 'nothing is told'],
  ])('is refused for %s, and changes nothing', (_what, version, unreleased, why) => {
    const { release, git } = project(unreleased);
    const { code, errors } = release(version);
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining(why) });
    expect(git('status', '--porcelain')).toBe('');
    expect(git('log', '--format=%s')).toBe('Begin');
    expect(git('tag')).toBe('');
  });

  it.each([
    ['a changed file', (root: string) => writeFileSync(join(root, 'package-lock.json'), `${lock}\n`)],
    ['a file that git does not know', (root: string) => writeFileSync(join(root, 'new'), '')],
  ])('is refused with %s in the tree', (_what, dirty) => {
    const { release, root, git } = project(someNews);
    dirty(root);
    expect(release('1.0.0')).toEqual({ code: 1, errors: expect.stringContaining('not committed') });
    expect(git('log', '--format=%s')).toBe('Begin');
  });

  it('is refused for a version whose tag is there', () => {
    const { release, git } = project(someNews);
    git('tag', 'v1.0.0');
    expect(release('1.0.0')).toEqual({ code: 1, errors: expect.stringContaining('v1.0.0 already') });
  });
});
