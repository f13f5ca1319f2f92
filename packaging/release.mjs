import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

// Makes a release out of what is committed: CHANGELOG's Unreleased gets its number and day, package.json and its lock the
// version, all in one commit with a tag. Pushing is left to who has looked at it.
// Usage: npm run release -- X.Y.Z

const heading = '## Unreleased';

const git = (...words) => execFileSync('git', words, { encoding: 'utf8' }).trim();

const refuse = (why) => {
  process.stderr.write(`release: ${why}\n`);
  process.exit(1);
};

const numbersOf = (version) => {
  const match = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(version ?? '');
  return match ? match.slice(1).map(Number) : refuse('usage: npm run release -- X.Y.Z');
};

const isGreater = (version, than) => {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  const place = a.findIndex((number, index) => number !== b[index]);
  return place >= 0 && a[place] > b[place];
};

/** The changelog with its Unreleased section under a version, and a fresh one above. */
const released = (changelog, version, day) => {
  const [before, ...rest] = changelog.split(`${heading}\n`);
  if (rest.length !== 1) refuse(`CHANGELOG.md needs one section "${heading}"`);
  const [entries] = rest[0].split(/^## /m);
  if (entries.trim() === '') refuse(`nothing is told under "${heading}"`);
  return `${before}${heading}\n\n## ${version} - ${day}\n${rest[0]}`;
};

/** Both files as text: everything but the version stays as it was written. */
const withVersion = (file, old, version, times) => {
  const parts = readFileSync(file, 'utf8').split(`"version": "${old}"`);
  if (parts.length <= times) refuse(`${file} does not have the version ${old}`);
  const head = parts.slice(0, times + 1).join(`"version": "${version}"`);
  return [head, ...parts.slice(times + 1)].join(`"version": "${old}"`);
};

const [version] = process.argv.slice(2);
const old = JSON.parse(readFileSync('package.json', 'utf8')).version;
if (!isGreater(version, old)) refuse(`${version} is not greater than ${old}`);
if (git('status', '--porcelain') !== '') refuse('there are changes that are not committed');
if (git('tag', '--list', `v${version}`) !== '') refuse(`there is a tag v${version} already`);

const day = new Date().toISOString().slice(0, 10);
const files = {
  'CHANGELOG.md': released(readFileSync('CHANGELOG.md', 'utf8'), version, day),
  'package.json': withVersion('package.json', old, version, 1),
  'package-lock.json': withVersion('package-lock.json', old, version, 2),
};
for (const [file, text] of Object.entries(files)) writeFileSync(file, text);
git('commit', '--quiet', '--message', `Release ${version}`, '--', ...Object.keys(files));
git('tag', '--annotate', '--message', `kmodsort ${version}`, `v${version}`);
process.stdout.write(`release: v${version} is committed and tagged; push it with: git push --follow-tags\n`);
