import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './kernels.ts';
import { run } from './packages.ts';

/** zfs is in Debian's contrib, which the lists of a machine need not have: it is asked with lists of our own. */

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where this machine itself gets its Debian packages, and the release. */
const archive = (): string => {
  const listed = run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages']);
  const line = listed.split('\n').find((one) => /\/debian\/? [a-z]+$/.test(one));
  if (!line) throw new Error('apt names no mirror of Debian');
  return line;
};

const withOwnLists = (place: string): string[] => {
  mkdirSync(join(place, 'lists/partial'), { recursive: true });
  writeFileSync(join(place, 'sources.list'), `deb [signed-by=${keyring}] ${archive()} contrib\n`);
  const options = {
    'Dir::Etc::sourcelist': join(place, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(place, 'lists'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
};

/** The source of a package of contrib below /usr/src, kept in the cache: `zfs-2.1.11` in it is a directory. */
export const contribSource = (packageName: string): string => {
  const place = join(repository, '.cache', 'contrib', packageName);
  if (existsSync(place)) return place;
  mkdirSync(join(repository, '.cache', 'contrib'), { recursive: true });
  const work = mkdtempSync(join(repository, '.cache', 'contrib', '.tmp-'));
  try {
    const options = withOwnLists(work);
    run('apt-get', [...options, 'update', '-q']);
    run('apt-get', [...options, 'download', '-q', packageName], { cwd: work });
    const [file = ''] = readdirSync(work).filter((name) => name.endsWith('.deb'));
    run('dpkg', ['-x', join(work, file), join(work, 'x')]);
    renameSync(join(work, 'x/usr/src'), place);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return place;
};
