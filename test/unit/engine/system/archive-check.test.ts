import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../../src/engine/problems.ts';
import { archiveProblem, memberNames, unpackedBytes } from '../../../../src/engine/system/archive-check.ts';
import { problemSentence } from '../../../../src/report/problems.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

/** A line as `tar -tv --full-time --quoting-style=escape` prints it. */
const line = (type: string, rest: string, size = '12'): string =>
  `${type}rw-r--r-- root/root      ${size} 2026-01-02 10:11:12 ${rest}`;

const file = line('-', 'dkms_source_tree/dkms.conf');

const said = (problem: Problem | undefined): string | undefined => problem && problemSentence(problem);

describe('an archive may be unpacked', () => {
  it.each([
    ['an empty listing', ''],
    ['a file', file],
    ['a file at the top, also as ./', `${line('-', 'a.c')}\n${line('-', './b.c')}`],
    ['a directory', line('d', 'dkms_source_tree/', '0')],
    ['a directory that is the top', line('d', './', '0')],
    ['a name with two dots that is no step up', line('-', 'a..b/..c')],
    ['a name with blanks, and with more of them in front', `${line('-', 'a file')}\n${line('-', ' b')}`],
    ['a name with the arrow in it that is no link', line('-', 'a -> b')],
    ['a name with an escaped line end', line('-', 'a\\nb')],
    ['a size of several digits, set apart by many blanks', line('-', 'a', '     123456789')],
    ['owners given as numbers', '-rwxr-xr-x 1000/1000 5 2026-01-02 10:11:12.123456789 a'],
    ['more than one blank between all that is told', '-rw-r--r--   root/root   12   2026-01-02   10:11:12 a'],
    ['a symbolic link to a neighbour', line('l', 'top/a -> b', '0')],
    ['a symbolic link up and down again inside', line('l', 'top/sub/a -> ../b', '0')],
    ['a symbolic link up to the top itself', line('l', 'top/a -> ..', '0')],
    ['a symbolic link to a name with two dots', line('l', 'a -> ..b', '0')],
    ['a hard link, told from the top', line('h', 'top/sub/a link to top/b', '0')],
    ['a symbolic link whose name has the words of a hard one', line('l', 'a link to b -> c', '0')],
  ])('with %s', (_what, listing) => {
    expect(archiveProblem(listing)).toBeUndefined();
  });
});

describe('an archive is refused', () => {
  it.each([
    ['an absolute name', line('-', '/etc/passwd'), '/etc/passwd is outside the archive'],
    ['a name that steps up', line('-', '../a'), '../a is outside the archive'],
    ['a name that steps up and is down again', line('-', 'a/../b'), 'a/../b is outside the archive'],
    ['a name that steps up far below', line('-', 'a/b/../../../c'), 'a/b/../../../c is outside the archive'],
    ['a name that ends above', line('d', 'a/..', '0'), 'a/.. is outside the archive'],
    ['a directory that is above', line('d', '..', '0'), '.. is outside the archive'],
    ['a link with an absolute name', line('l', '/a -> b', '0'), '/a is outside the archive'],
    ['a character device', line('c', 'null', '1,3'), 'null is not a file, directory or link'],
    ['a block device, with a blank in its number', line('b', 'sda', '8, 0'), 'sda is not a file, directory or link'],
    ['a device of a great number', line('c', 'tty', '10, 220'), 'tty is not a file, directory or link'],
    [
      'a line that goes on behind a carriage return',
      line('-', 'a\rb'),
      `cannot parse the archive listing: ${line('-', 'a\rb')}`,
    ],
    ['a FIFO', line('p', 'pipe', '0'), 'pipe is not a file, directory or link'],
    ['a symbolic link to an absolute path', line('l', 'a -> /etc', '0'), 'a is a link to outside the archive: /etc'],
    ['a symbolic link that steps out', line('l', 'a -> ../b', '0'), 'a is a link to outside the archive: ../b'],
    ['a symbolic link to what is above', line('l', 'a -> ..', '0'), 'a is a link to outside the archive: ..'],
    [
      'a symbolic link that steps out from further down',
      line('l', 'top/a -> ../../b', '0'),
      'top/a is a link to outside the archive: ../../b',
    ],
    [
      'a symbolic link that goes down before it steps out',
      line('l', 'top/a -> sub/../../../b', '0'),
      'top/a is a link to outside the archive: sub/../../../b',
    ],
    [
      'a hard link to an absolute path',
      line('h', 'a link to /etc/shadow', '0'),
      'a is a link to outside the archive: /etc/shadow',
    ],
    ['a hard link that steps out', line('h', 'a link to ../b', '0'), 'a is a link to outside the archive: ../b'],
    [
      'a hard link that goes down before it steps out',
      line('h', 'a link to sub/../../b', '0'),
      'a is a link to outside the archive: sub/../../b',
    ],
    [
      'a hard link whose path is told from its own directory',
      line('h', 'top/a link to ../b', '0'),
      'top/a is a link to outside the archive: ../b',
    ],
    [
      'a link with two arrows: which is its name?',
      line('l', 'a -> b -> ../c', '0'),
      `cannot parse the archive listing: ${line('l', 'a -> b -> ../c', '0')}`,
    ],
    ['a link without a target', line('l', 'a', '0'), `cannot parse the archive listing: ${line('l', 'a', '0')}`],
    ['a line of another form', 'tar: a: Cannot stat', 'cannot parse the archive listing: tar: a: Cannot stat'],
    ['a line that only ends like one', ` x ${file}`, `cannot parse the archive listing:  x ${file}`],
    ['a size that is no number', line('-', 'a', 'x'), `cannot parse the archive listing: ${line('-', 'a', 'x')}`],
    ['a size with more behind it', line('-', 'a', '1x'), `cannot parse the archive listing: ${line('-', 'a', '1x')}`],
    ['a line without a name', line('-', '').trim(), `cannot parse the archive listing: ${line('-', '').trim()}`],
  ])('for %s', (_what, listing, problem) => {
    expect(said(archiveProblem(listing))).toBe(problem);
  });

  it('for one bad member among good ones, and the first is told', () => {
    const listing = [file, line('-', '../one'), line('-', '../two'), file].join('\n');
    expect(said(archiveProblem(`${listing}\n`))).toBe('../one is outside the archive');
  });
});

describe('memberNames', () => {
  it('lists names without ./ and without where links lead', () => {
    const listing = [line('d', './', '0'), line('-', './a.c'), line('l', 'b/./l -> c', '0'), 'what?', ''].join('\n');
    expect(memberNames(listing)).toEqual(['', 'a.c', 'b/./l']);
  });
});

describe('what the real tar prints', () => {
  const root = temporaryDirectory();
  const listingOf = (...members: readonly string[]): string => {
    const archive = join(root, 'archive.tar');
    spawnSync('tar', ['-P', '--create', '--file', archive, ...members], { cwd: join(root, 'top') });
    const words = ['--list', '--verbose', '--full-time', '--quoting-style=escape', '-P', '--file', archive];
    return spawnSync('tar', words, { encoding: 'utf8' }).stdout;
  };

  it('is understood: files, directories and both kinds of links', () => {
    mkdirSync(join(root, 'top/sub'), { recursive: true });
    const path = put(join(root, 'top/a file'), 'text');
    spawnSync('ln', [path, join(root, 'top/sub/hard')]);
    symlinkSync('../a file', join(root, 'top/sub/soft'));
    const listing = listingOf('a file', 'sub/hard', 'sub/soft');
    expect(archiveProblem(listing)).toBeUndefined();
    expect(memberNames(listing)).toEqual(['a file', 'sub/hard', 'sub/soft']);
  });
  it('is refused where it leads outside', () => {
    mkdirSync(join(root, 'top/bad'), { recursive: true });
    symlinkSync('../../../etc', join(root, 'top/bad/link'));
    spawnSync('mkfifo', [join(root, 'top/bad/pipe')]);
    expect(said(archiveProblem(listingOf('bad/link')))).toBe('bad/link is a link to outside the archive: ../../../etc');
    expect(said(archiveProblem(listingOf('bad/pipe')))).toBe('bad/pipe is not a file, directory or link');
    expect(said(archiveProblem(listingOf(join(root, 'top/bad'))))).toContain('is outside the archive');
  });
});

describe('what an archive unpacks to', () => {
  it('is the sum of its files', () => {
    const device = 'crw-r--r-- root/root 1,3 2026-01-02 10:11:12 null';
    expect(
      unpackedBytes([line('-', 'a', '12'), line('-', 'b c', '   5000'), line('d', 'd/', '0'), device].join('\n')),
    ).toBe(5012);
    expect(unpackedBytes('')).toBe(0);
  });
});
