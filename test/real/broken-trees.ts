import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hashFile } from '../../src/engine/system/files.ts';
import { repository } from '../kernels.ts';
import type { World } from '../world.ts';
import { installedFile, installedFiles, objectName } from './installed.ts';

/** Ways to break a healthy world, one thing at a time, and what `doctor` is to say and do then. */

/** A healthy world with two kernels and the modules lonely, replacer and twice. */
export interface Healthy {
  readonly world: World;
  readonly first: string;
  readonly second: string;
}

export interface BrokenTree {
  readonly what: string;
  /** Every code that is found. */
  readonly codes: readonly string[];
  readonly breakIt: (healthy: Healthy) => void;
  /** Those that `--fix` leaves, and a piece of why or of what helps; all others are repaired. */
  readonly left?: Readonly<Record<string, string>>;
  /** Found only when something was repaired; left, too. */
  readonly thenLeft?: readonly string[];
  /** What has to be true when it is repaired. */
  readonly after?: (healthy: Healthy) => void;
  readonly env?: (healthy: Healthy) => Readonly<Record<string, string>>;
}

const arch = 'x86_64';
/** A release that is nowhere. */
const gone = '5.0.0-1-amd64';
/** More than any process number may be. */
const deadProcess = '999999999';

const put = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
};

const drop = (path: string): void => {
  if (!existsSync(dirname(path))) throw new Error(`nothing to remove: ${path}`);
  rmSync(path, { recursive: true, force: true });
};

const age = (path: string, days: number): void => {
  const then = new Date(Date.now() - days * 24 * 3600 * 1000);
  utimesSync(path, then, then);
};

const inTree = ({ world }: Healthy, ...parts: string[]): string => join(world.trees.dkmsTree, ...parts);
const inState = ({ world }: Healthy, ...parts: string[]): string => join(world.trees.stateDir, ...parts);
const inConf = ({ world }: Healthy, ...parts: string[]): string => join(world.trees.confDir, ...parts);
const onFirst = ({ world, first }: Healthy, ...parts: string[]): string =>
  join(world.trees.installTree, first, ...parts);
const source = ({ world }: Healthy, name: string): string => join(world.trees.sourceTree, name);

const built = (healthy: Healthy, name = 'lonely', version = '1.0'): string =>
  inTree(healthy, name, version, healthy.first, arch);
const link = (healthy: Healthy, name = 'lonely', release = healthy.first): string =>
  inTree(healthy, name, `kernel-${release}-${arch}`);
const record = (healthy: Healthy, release = healthy.first): string =>
  inState(healthy, 'record/lonely/1.0', `${release}@${arch}.json`);
const builtObject = (healthy: Healthy): string => {
  const name = readdirSync(join(built(healthy), 'module')).find((file) => objectName(file) === 'lonely') ?? '';
  return join(built(healthy), 'module', name);
};
const installed = ({ world, first }: Healthy, object = 'lonely'): string => installedFile(world, first, object);

const journal = (healthy: Healthy, action: string, release = healthy.first): void =>
  put(
    inState(healthy, 'journal', `lonely@${release}@${arch}.json`),
    JSON.stringify({
      version: 1,
      module: { name: 'lonely', version: '1.0' },
      kernel: { release, arch },
      action,
      ours: [hashFile(installed(healthy))],
    }),
  );

const withFailure = (path: string): void => {
  const known: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const failure = { inputs: '', failure: { kind: 'compiler-failed' }, at: new Date().toISOString(), transient: false };
  writeFileSync(path, JSON.stringify({ ...(known instanceof Object ? known : {}), failure }));
};

const openssl = (...words: readonly string[]): void => {
  const { status, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${words.join(' ')}: ${stderr}`);
};

const newKey = (healthy: Healthy): void => openssl('genrsa', '-out', inTree(healthy, 'mok.key'), '2048');

/** Only ca(1) makes a certificate whose time is over. */
const expire = (healthy: Healthy): void => {
  const [ca, request, made] = ['ca', 'old.csr', 'old.pem'].map((name) => join(healthy.world.root, 'tmp', name));
  if (ca === undefined || request === undefined || made === undefined) return;
  put(join(ca, 'index.txt'), '');
  put(join(ca, 'serial'), '01\n');
  put(
    join(ca, 'conf'),
    `[ca]\ndefault_ca=x\n[x]\ndatabase=${ca}/index.txt\nnew_certs_dir=${ca}\nserial=${ca}/serial\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n`,
  );
  const key = inTree(healthy, 'mok.key');
  const when = ['-startdate', '20200101000000Z', '-enddate', '20210101000000Z'];
  openssl('req', '-new', '-key', key, '-subj', '/CN=old/', '-out', request);
  openssl(
    'ca',
    '-config',
    join(ca, 'conf'),
    '-batch',
    '-selfsign',
    '-keyfile',
    key,
    ...when,
    '-in',
    request,
    '-out',
    made,
  );
  openssl('x509', '-in', made, '-outform', 'DER', '-out', inTree(healthy, 'mok.pub'));
};

/** As the package of a distribution installs us. */
const withPackage = ({ world }: Healthy, layout: 'arch' | 'debian' | 'rpm', id: string = layout): void => {
  writeFileSync(world.trees.osRelease, `ID=${id}\n`);
  const words = ['packaging/install.sh', '--destdir', world.root, '--layout', layout, '--node', process.execPath];
  const { status, stderr } = spawnSync('sh', words, { cwd: repository, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};

const inRoot = ({ world }: Healthy, path: string): string => join(world.root, path);

const setting = (healthy: Healthy, text: string, file = 'framework.conf'): void => put(inConf(healthy, file), text);

const expectThere = (path: string, isThere = true): void => {
  if (existsSync(path) !== isThere) throw new Error(`${path} is ${isThere ? 'not ' : ''}there`);
};

/** A mokutil as on a machine with Secure Boot. */
const mokutil = (healthy: Healthy, state: string, key: string): Readonly<Record<string, string>> => {
  const directory = inRoot(healthy, 'fake');
  const text = `#!/bin/sh\ncase $1 in --sb-state) printf "${state}\\n" ;; *) echo "$2 is ${key}" ;; esac\n`;
  put(join(directory, 'mokutil'), text, 0o755);
  return { PATH: `${directory}:/usr/sbin:/usr/bin:/sbin:/bin` };
};

const secureBoot = (healthy: Healthy): Readonly<Record<string, string>> =>
  mokutil(healthy, 'SecureBoot enabled', 'not enrolled');

/** As dpkg leaves its package, which it can verify then. */
const withDebianPackage = (healthy: Healthy): void => {
  withPackage(healthy, 'debian');
  const files = ['usr/lib/kmodsort/kmodsort.mjs', 'usr/share/man/man8/kmodsort.8.gz'];
  const conffiles = ['etc/kernel/postinst.d/00-kmodsort', 'etc/dkms/framework.conf'];
  const sum = (file: string): string =>
    spawnSync('md5sum', [inRoot(healthy, file)], { encoding: 'utf8' }).stdout.slice(0, 32);
  const database = inRoot(healthy, 'var/lib/dpkg');
  put(join(database, 'info/format'), '1\n');
  put(
    join(database, 'status'),
    `Package: kmodsort\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nVersion: 1\nConffiles:\n${conffiles.map((file) => ` /${file} ${sum(file)}\n`).join('')}Description: x\n`,
  );
  put(join(database, 'info/kmodsort.list'), [...files, ...conffiles].map((file) => `/${file}\n`).join(''));
  put(join(database, 'info/kmodsort.md5sums'), files.map((file) => `${sum(file)}  ${file}\n`).join(''));
};

const entries: readonly BrokenTree[] = [
  {
    what: 'a source that is gone',
    codes: ['source-missing'],
    breakIt: (h) => drop(source(h, 'lonely-1.0')),
    left: { 'source-missing': 'dkms remove lonely/1.0 --all' },
  },
  {
    what: 'a source link to nowhere',
    codes: ['source-missing'],
    breakIt: (h) => {
      drop(inTree(h, 'lonely/1.0/source'));
      symlinkSync('/nowhere/lonely', inTree(h, 'lonely/1.0/source'));
    },
    left: { 'source-missing': 'install its package again' },
  },
  {
    what: 'an entry without a source link, its source in place',
    codes: ['entry-unregistered'],
    breakIt: (h) => drop(inTree(h, 'lonely/1.0/source')),
    after: (h) => expectThere(inTree(h, 'lonely/1.0/source/dkms.conf')),
  },
  {
    what: 'an entry without a source link and without a source',
    codes: ['entry-unregistered'],
    breakIt: (h) => {
      drop(inTree(h, 'lonely/1.0/source'));
      drop(source(h, 'lonely-1.0'));
    },
    left: { 'entry-unregistered': 'nothing usable' },
  },
  {
    what: 'an entry without a source link whose source anybody may write',
    codes: ['entry-unregistered'],
    breakIt: (h) => {
      drop(inTree(h, 'lonely/1.0/source'));
      chmodSync(source(h, 'lonely-1.0'), 0o777);
    },
    left: { 'entry-unregistered': 'nothing usable' },
  },
  {
    what: 'an entry with nothing in it',
    codes: ['entry-empty'],
    breakIt: (h) => mkdirSync(inTree(h, 'ghost/1.0/build'), { recursive: true }),
    after: (h) => expectThere(inTree(h, 'ghost'), false),
  },
  {
    what: 'a built directory that is gone, and its files still installed',
    codes: ['installed-link-broken'],
    breakIt: (h) => drop(built(h)),
    thenLeft: ['files-left'],
    after: (h) => expectThere(installed(h)),
  },
  {
    what: 'a link to a version that is not in the tree',
    codes: ['installed-link-broken'],
    breakIt: (h) => {
      drop(link(h));
      symlinkSync(`9.9/${h.first}/${arch}`, link(h));
    },
    thenLeft: ['files-left'],
  },
  {
    what: 'a link to a version that is not in the tree, and no files',
    codes: ['installed-link-broken'],
    breakIt: (h) => {
      mkdirSync(inTree(h, 'ghost'));
      symlinkSync(`9.9/${h.first}/${arch}`, link(h, 'ghost'));
    },
  },
];

const kernels: readonly BrokenTree[] = [
  {
    what: 'a kernel that is gone',
    codes: ['kernel-gone', 'memory-left'],
    breakIt: ({ world, second }) => drop(join(world.trees.installTree, second)),
    after: (h) => {
      expectThere(inTree(h, 'lonely/1.0', h.second), false);
      expectThere(inTree(h, 'replacer/original_module', h.second), false);
      expectThere(record(h, h.second), false);
      expectThere(installed(h));
      expectThere(join(h.world.trees.installTree, h.second), false);
    },
  },
  {
    what: 'a build for a kernel that is not here',
    codes: ['kernel-absent'],
    breakIt: (h) => cpSync(dirname(built(h)), inTree(h, 'lonely/1.0', gone), { recursive: true }),
    left: { 'kernel-absent': `dkms unbuild lonely/1.0 -k ${gone}/${arch}` },
  },
  {
    what: 'what is due for a kernel that is gone',
    codes: ['due-left'],
    breakIt: (h) => put(inState(h, 'due', gone), 'depmod\n'),
  },
  {
    what: 'depmod that is due',
    codes: ['due-open'],
    breakIt: (h) => {
      put(inState(h, 'due', h.first), 'depmod\n');
      writeFileSync(onFirst(h, 'modules.dep'), '');
    },
    after: (h) => {
      if (!readFileSync(onFirst(h, 'modules.dep'), 'utf8').includes('lonely')) throw new Error('depmod did not run');
    },
  },
  {
    what: 'a command that is due',
    codes: ['due-open'],
    breakIt: (h) => put(inState(h, 'due', h.first), 'post-transaction\n'),
    left: { 'due-open': 'kmodsort sync' },
  },
];

const files: readonly BrokenTree[] = [
  {
    what: 'an entry that somebody took away, its files still installed',
    codes: ['files-left'],
    breakIt: (h) => drop(inTree(h, 'lonely')),
    left: { 'files-left': 'dkms add lonely/1.0 && kmodsort sync' },
    after: (h) => expectThere(installed(h)),
  },
  {
    what: 'an installed file that is gone',
    codes: ['installed-missing'],
    breakIt: (h) => drop(installed(h)),
    after: (h) => {
      if (hashFile(installed(h)) !== hashFile(builtObject(h))) throw new Error('it is not what was built');
      expectThere(inState(h, 'due', h.first), false);
    },
  },
  {
    what: 'an object that is gone from both places',
    codes: ['installed-missing', 'object-missing'],
    breakIt: (h) => {
      drop(builtObject(h));
      drop(installed(h));
    },
    left: { 'installed-missing': 'kmodsort sync', 'object-missing': 'dkms build lonely/1.0' },
  },
  {
    what: 'an installed file that was changed',
    codes: ['installed-differs'],
    breakIt: (h) => appendFileSync(installed(h), 'x'),
    left: { 'installed-differs': 'kmodsort sync' },
  },
  {
    what: 'a built object that is gone',
    codes: ['object-missing'],
    breakIt: (h) => drop(builtObject(h)),
    after: (h) => {
      if (hashFile(installed(h)) !== hashFile(builtObject(h))) throw new Error('it is not what was installed');
    },
  },
  {
    what: 'an original that was not put back',
    codes: ['original-left'],
    breakIt: (h) => {
      drop(installed(h, 'intree_demo'));
      drop(link(h, 'replacer'));
      drop(built(h, 'replacer', '2.0'));
      drop(inState(h, 'record/replacer/2.0', `${h.first}@${arch}.json`));
    },
    after: (h) => {
      expectThere(inTree(h, 'replacer/original_module', h.first), false);
      if (readdirSync(onFirst(h, 'kernel/drivers/misc')).length !== 1) throw new Error('it was not put back');
    },
  },
  {
    what: 'an original where another file stands',
    codes: ['original-left'],
    breakIt: (h) => {
      drop(installed(h, 'intree_demo'));
      drop(link(h, 'replacer'));
      drop(built(h, 'replacer', '2.0'));
      drop(inState(h, 'record/replacer/2.0', `${h.first}@${arch}.json`));
      const directory = inTree(h, 'replacer/original_module', h.first, arch);
      const note = readdirSync(directory).find((name) => name.endsWith('.origin')) ?? '';
      put(readFileSync(join(directory, note), 'utf8').trim(), 'another');
    },
    left: { 'original-left': 'another file stands in their place' },
  },
  {
    what: 'a weak link to nowhere',
    codes: ['weak-link-broken'],
    breakIt: (h) => {
      mkdirSync(onFirst(h, 'weak-updates/dkms'), { recursive: true });
      symlinkSync('/lib/modules/gone/updates/x.ko', onFirst(h, 'weak-updates/dkms/x.ko'));
    },
    after: (h) => expectThere(onFirst(h, 'weak-updates/dkms/x.ko'), false),
  },
];

const records: readonly BrokenTree[] = [
  {
    what: 'records of a module that is gone, with all its files',
    codes: ['record-left'],
    breakIt: (h) => {
      drop(inTree(h, 'lonely'));
      for (const release of [h.first, h.second]) {
        for (const path of installedFiles(h.world, release)) if (objectName(path) === 'lonely') drop(path);
      }
    },
    after: (h) => expectThere(inState(h, 'record/lonely'), false),
  },
  {
    what: 'a record of a kernel that is gone',
    codes: ['record-left'],
    breakIt: (h) => put(record(h, gone), '{"version":2}'),
  },
  {
    what: 'a record that cannot be read',
    codes: ['record-unreadable'],
    breakIt: (h) => writeFileSync(record(h), '{"version":2,"build":{'),
    after: (h) => expectThere(record(h), false),
  },
  {
    what: 'a record of zeros',
    codes: ['record-unreadable'],
    breakIt: (h) => writeFileSync(record(h), Buffer.alloc(4096)),
  },
  {
    what: 'what a trial found, garbage',
    codes: ['record-unreadable'],
    breakIt: (h) => put(inState(h, 'tried', `${gone}.json`), 'garbage'),
  },
  {
    what: 'a log of a failure that nobody remembers',
    codes: ['log-left'],
    breakIt: (h) => put(inState(h, 'log/lonely/1.0', `${h.first}@${arch}.log`), 'make: error\n'),
    after: (h) => expectThere(inState(h, 'log/lonely'), false),
  },
  {
    what: 'a log of the initramfs of a kernel that is gone',
    codes: ['log-left'],
    breakIt: (h) => put(inState(h, 'log', `initramfs-${gone}.log`), 'dracut\n'),
  },
  {
    what: 'a mark of a version that is gone',
    codes: ['mark-left'],
    breakIt: (h) => put(inState(h, 'replaced/ghost@1.0'), ''),
  },
  {
    what: 'an old trial',
    codes: ['trial-outdated'],
    breakIt: (h) => {
      put(inState(h, 'tried', `${gone}.json`), '{"at":"2020-01-01T00:00:00Z","modules":[]}');
      age(inState(h, 'tried', `${gone}.json`), 100);
    },
  },
  {
    what: 'an old trial of the guard',
    codes: ['trial-outdated'],
    breakIt: (h) => {
      const path = inState(h, 'vetoes/record/lonely/1.0', `${gone}@${arch}.json`);
      put(path, '{"version":2}');
      age(path, 100);
    },
  },
  {
    what: 'what objects said on a kernel that is gone',
    codes: ['memory-left'],
    breakIt: (h) => {
      put(inState(h, 'objects', `${gone}.json`), '{"format":1,"objects":{}}');
      put(inState(h, 'objects', `${gone}.crcs`), 'x\n');
    },
  },
  {
    what: 'what stood in a directory that is gone',
    codes: ['memory-left'],
    breakIt: (h) =>
      put(inState(h, 'contents/0123.json'), JSON.stringify({ facts: 'x', hash: 'x', places: ['/nowhere/ghost-1.0'] })),
  },
  {
    what: 'the mark of an rpm transaction that has ended',
    codes: ['rpm-mark-left'],
    breakIt: (h) => put(inState(h, 'rpm-upgrade/lonely-1.0'), `${deadProcess}:1\n`),
  },
  {
    what: 'a notice of failures where there are none',
    codes: ['notice-outdated'],
    breakIt: (h) => put(inState(h, 'notice'), 'lonely failed\n'),
  },
  {
    what: 'a notice about a required module on a kernel that is gone',
    codes: ['notice-outdated'],
    breakIt: (h) => put(inState(h, 'required', gone), 'lonely failed\n'),
  },
  {
    what: 'a notice about a failure on a kernel that is gone',
    codes: ['notice-outdated'],
    breakIt: (h) => put(inState(h, 'failed', gone), 'lonely failed\n'),
  },
  {
    what: 'a hook that waits for days',
    codes: ['queue-old'],
    breakIt: (h) => {
      put(inState(h, 'queue/1'), 'apt\nend\n\n');
      age(inState(h, 'queue/1'), 2);
    },
    left: { 'queue-old': 'kmodsort hook run' },
  },
  {
    what: 'a build in the store that cannot be read',
    codes: ['artifact-unreadable'],
    breakIt: (h) => {
      const [key = ''] = readdirSync(inState(h, 'store/lonely'));
      writeFileSync(inState(h, 'store/lonely', key, 'index.json'), 'garbage');
    },
    after: (h) => {
      if (readdirSync(inState(h, 'store/lonely')).length !== 1) throw new Error('the other build is gone, too');
    },
  },
];

const interrupted: readonly BrokenTree[] = [
  {
    what: 'a removal that was interrupted',
    codes: ['journal-open'],
    breakIt: (h) => journal(h, 'uninstall'),
    after: (h) => {
      expectThere(link(h), false);
      expectThere(built(h));
      if (h.world.installedObjects(h.first).includes('lonely')) throw new Error('it is still installed');
    },
  },
  {
    what: 'an install that was interrupted',
    codes: ['journal-open'],
    breakIt: (h) => journal(h, 'install'),
    left: { 'journal-open': 'kmodsort sync' },
  },
  {
    what: 'an install that was interrupted, on a kernel that is gone',
    codes: ['journal-open'],
    breakIt: (h) => journal(h, 'install', gone),
  },
  {
    what: 'a journal that cannot be read',
    codes: ['journal-unreadable'],
    breakIt: (h) => put(inState(h, 'journal', `lonely@${h.first}@${arch}.json`), '{'),
  },
  {
    what: 'half a build in the dkms tree',
    codes: ['temporary-left'],
    breakIt: (h) => put(inTree(h, 'lonely/1.0', h.first, `.tmp_${arch}_abc/module/lonely.ko`), 'half'),
  },
  {
    what: 'a built directory that had made room for another',
    codes: ['installed-link-broken', 'temporary-left'],
    breakIt: (h) => renameSync(built(h), join(dirname(built(h)), `.tmp_old_${arch}`)),
    after: (h) => {
      expectThere(join(built(h), 'module'));
      expectThere(join(link(h), 'module'));
    },
  },
  {
    what: 'half a record',
    codes: ['temporary-left'],
    breakIt: (h) => put(inState(h, 'record/lonely/1.0/.tmp_x.json.0a1b2c'), '{'),
  },
  {
    what: 'half an artifact in the store',
    codes: ['temporary-left'],
    breakIt: (h) => put(inState(h, 'store/lonely/.tmp_abc/index.json'), '{'),
  },
  {
    what: 'half a source',
    codes: ['temporary-left'],
    breakIt: (h) => put(source(h, '.tmp_lonely-2.0/dkms.conf'), ''),
  },
  {
    what: 'half an installed file',
    codes: ['temporary-left'],
    breakIt: (h) => put(onFirst(h, 'updates/dkms/.tmp_lonely.ko.0a1b2c'), 'half'),
  },
  {
    what: 'half a file of depmod',
    codes: ['temporary-left'],
    breakIt: (h) => put(onFirst(h, 'modules.dep.bin.123.456789.1700000000'), 'half'),
  },
  {
    what: 'programs of a run that was killed',
    codes: ['temporary-left'],
    breakIt: (h) => put(inState(h, `programs/${deadProcess}.abc/uname`), ''),
  },
  {
    what: 'a trial that was killed',
    codes: ['temporary-left'],
    breakIt: (h) => put(inState(h, `trial/${deadProcess}.abc/packages/x.deb`), ''),
  },
  {
    what: 'the lock of a run that was killed',
    codes: ['lock-stale'],
    breakIt: (h) => put(inState(h, 'lock'), `${deadProcess} 1 kmodsort sync\n`),
    after: (h) => {
      if (readFileSync(inState(h, 'lock'), 'utf8') !== '') throw new Error('it is not free');
    },
  },
  {
    what: 'the lock of a module whose build was killed',
    codes: ['lock-stale'],
    breakIt: (h) => put(inState(h, 'lock.d/lonely'), `${deadProcess} 1 kmodsort sync\n`),
  },
];

const access: readonly BrokenTree[] = [
  {
    what: 'a source that anybody may write',
    codes: ['world-writable'],
    breakIt: (h) => chmodSync(source(h, 'lonely-1.0'), 0o777),
    left: { 'world-writable': 'chmod o-w' },
  },
  {
    what: 'a dkms.conf that anybody may write',
    codes: ['world-writable'],
    breakIt: (h) => chmodSync(source(h, 'lonely-1.0/dkms.conf'), 0o666),
    left: { 'world-writable': 'chmod o-w' },
  },
  {
    what: 'an override that anybody may write',
    codes: ['world-writable'],
    breakIt: (h) => {
      put(inConf(h, 'other.conf'), '');
      chmodSync(inConf(h, 'other.conf'), 0o666);
    },
    left: { 'world-writable': 'look at what is in it' },
  },
  {
    what: 'a state directory that anybody may write',
    codes: ['world-writable'],
    breakIt: (h) => chmodSync(inState(h), 0o777),
    left: { 'world-writable': 'chmod o-w' },
  },
  {
    what: 'a dkms tree of somebody else',
    codes: ['foreign-owner'],
    breakIt: (h) => chownSync(inTree(h), 1234, 1234),
    left: { 'foreign-owner': 'chown root:' },
  },
];

const keys: readonly BrokenTree[] = [
  {
    what: 'a key that is not that of the certificate',
    codes: ['key-mismatch'],
    breakIt: newKey,
    left: { 'key-mismatch': 'restore the pair' },
  },
  {
    what: 'a certificate without its key',
    codes: ['key-missing'],
    breakIt: (h) => drop(inTree(h, 'mok.key')),
    left: { 'key-missing': 'restore the key' },
  },
  {
    what: 'a key that others may read',
    codes: ['key-readable'],
    breakIt: (h) => chmodSync(inTree(h, 'mok.key'), 0o644),
  },
  {
    what: 'a certificate that has expired',
    codes: ['certificate-expired'],
    breakIt: expire,
    left: { 'certificate-expired': 'dkms generate_mok' },
  },
  {
    what: 'a certificate that the firmware does not know',
    codes: ['certificate-not-enrolled'],
    breakIt: () => undefined,
    env: secureBoot,
    left: { 'certificate-not-enrolled': 'mokutil --import' },
  },
  {
    what: 'a certificate that waits to be enrolled',
    codes: ['enrolment-pending'],
    breakIt: () => undefined,
    env: (h) => mokutil(h, 'SecureBoot enabled', 'already in the enrollment request'),
    left: { 'enrolment-pending': 'reboot' },
  },
];

const hooks: readonly BrokenTree[] = [
  {
    what: "dkms's own kernel hook",
    codes: ['foreign-hook'],
    breakIt: (h) => {
      withPackage(h, 'debian');
      put(inRoot(h, 'etc/kernel/postinst.d/dkms'), '#!/bin/sh\n', 0o755);
    },
    left: { 'foreign-hook': 'remove the package' },
  },
  {
    what: "dkms's own pacman hook",
    codes: ['foreign-hook'],
    breakIt: (h) => {
      withPackage(h, 'arch');
      put(inRoot(h, 'usr/share/libalpm/hooks/70-dkms-install.hook'), '[Trigger]\n');
    },
    left: { 'foreign-hook': 'remove the package' },
  },
  {
    what: "dkms's own kernel-install plugin in place of ours",
    codes: ['foreign-hook'],
    breakIt: (h) => {
      withPackage(h, 'rpm', 'fedora');
      put(inRoot(h, 'etc/kernel/install.d/40-dkms.install'), '#!/bin/sh\ndkms autoinstall\n', 0o755);
    },
    left: { 'foreign-hook': 'remove the package' },
  },
  {
    what: 'a pacman hook of ours that is gone',
    codes: ['hook-missing'],
    breakIt: (h) => {
      withPackage(h, 'arch');
      drop(inRoot(h, 'usr/share/libalpm/hooks/70-kmodsort-install.hook'));
    },
    left: { 'hook-missing': 'install the package of kmodsort again' },
  },
  {
    what: 'a kernel hook of ours that is gone',
    codes: ['hook-missing'],
    breakIt: (h) => {
      withPackage(h, 'debian');
      drop(inRoot(h, 'etc/kernel/postinst.d/00-kmodsort'));
    },
    left: { 'hook-missing': 'install the package of kmodsort again' },
  },
  {
    what: 'a hook of ours that is not executable',
    codes: ['hook-not-executable'],
    breakIt: (h) => {
      withPackage(h, 'debian');
      chmodSync(inRoot(h, 'etc/kernel/prerm.d/00-kmodsort'), 0o644);
    },
    left: { 'hook-not-executable': 'chmod 755' },
  },
  {
    what: 'a program of ours that was changed',
    codes: ['package-changed'],
    breakIt: (h) => {
      withDebianPackage(h);
      appendFileSync(inRoot(h, 'usr/lib/kmodsort/kmodsort.mjs'), '//\n');
    },
    left: { 'package-changed': 'install the package of kmodsort again' },
  },
  {
    what: 'a hook of ours that was changed',
    codes: ['conffile-changed'],
    breakIt: (h) => {
      withDebianPackage(h);
      appendFileSync(inRoot(h, 'etc/kernel/postinst.d/00-kmodsort'), 'exit 0\n');
    },
    left: { 'conffile-changed': 'force-confmiss' },
  },
  {
    what: 'a hook of ours that is gone, with its package',
    codes: ['hook-missing'],
    breakIt: (h) => {
      withDebianPackage(h);
      drop(inRoot(h, 'etc/kernel/postinst.d/00-kmodsort'));
    },
    left: { 'hook-missing': 'force-confmiss' },
  },
];

const heldBack = (release: string): string =>
  JSON.stringify({ held: [{ release, missing: ['lonely'] }], prefer: 'x', at: '2026-01-01T00:00:00Z', renamed: [] });

const boot: readonly BrokenTree[] = [
  {
    what: 'a boot guard without required modules',
    codes: ['boot-guard-idle'],
    breakIt: (h) => setting(h, 'boot_guard="yes"\n'),
    left: { 'boot-guard-idle': 'required_modules' },
  },
  {
    what: 'a kernel that is held back, and no boot guard any more',
    codes: ['boot-hold-outdated'],
    breakIt: (h) => put(inState(h, 'boot-hold'), heldBack(h.first)),
    left: { 'boot-hold-outdated': 'kmodsort boot-guard' },
  },
  {
    what: 'a kernel that is held back, and gone',
    codes: ['boot-hold-outdated'],
    breakIt: (h) => {
      setting(h, 'boot_guard="yes"\nrequired_modules="lonely"\n');
      put(inState(h, 'boot-hold'), heldBack(gone));
    },
    left: { 'boot-hold-outdated': 'kmodsort boot-guard' },
  },
  {
    what: 'what is held back, garbage',
    codes: ['boot-hold-unreadable'],
    breakIt: (h) => {
      setting(h, 'boot_guard="yes"\nrequired_modules="lonely"\n');
      put(inState(h, 'boot-hold'), 'garbage');
    },
    left: { 'boot-hold-unreadable': 'kmodsort boot-guard --undo' },
  },
];

const settings: readonly BrokenTree[] = [
  {
    what: 'a setting that is misspelt',
    codes: ['setting-misspelt'],
    breakIt: (h) => setting(h, '# Settings\nparralel_jobs="4"\n'),
    left: { 'setting-misspelt': 'write parallel_jobs for parralel_jobs' },
  },
  {
    what: 'a setting that is misspelt in framework.conf.d',
    codes: ['setting-misspelt'],
    breakIt: (h) => setting(h, 'required_module="lonely"\n', 'framework.conf.d/local.conf'),
    left: { 'setting-misspelt': 'required_modules' },
  },
  {
    what: 'a setting that nobody knows',
    codes: ['setting-unknown'],
    breakIt: (h) => setting(h, 'weather="fine"\n'),
    left: { 'setting-unknown': 'remove the line' },
  },
  ...[
    ['parallel_jobs', 'many', 'a whole number'],
    ['sandbox', 'loose', 'auto, strict or no'],
    ['try_sign_modules', 'maybe', 'true, false or not_in_chroot'],
    ['build_limit', 'an hour', 'a number of minutes'],
    ['store_size', 'big', '500M or 2G'],
    ['kernel_guard', 'perhaps', 'build or build-all'],
    ['symlink_modules', 'nope', 'yes or no'],
  ].map(
    ([name = '', value = '', wants = '']): BrokenTree => ({
      what: `${name}="${value}"`,
      codes: ['setting-invalid'],
      breakIt: (h) => setting(h, `${name}="${value}"\n`),
      left: { 'setting-invalid': wants },
    }),
  ),
  {
    what: 'a required module that is not there',
    codes: ['required-unknown'],
    breakIt: (h) => setting(h, 'required_modules="lonely zfs"\n'),
    left: { 'required-unknown': 'install the package of zfs' },
  },
  {
    what: 'an unconfined module that is not there',
    codes: ['unconfined-unknown'],
    breakIt: (h) => setting(h, 'unconfined_modules="zfs"\n'),
    left: { 'unconfined-unknown': 'correct the name' },
  },
];

const remarks: readonly BrokenTree[] = [
  {
    what: 'a source that was changed since',
    codes: ['stale'],
    breakIt: (h) => appendFileSync(source(h, 'lonely-1.0/lonely.c'), '/* more */\n'),
    left: { stale: 'kmodsort why lonely/1.0' },
  },
  {
    what: 'a failure that is remembered',
    codes: ['failure-remembered'],
    breakIt: (h) => withFailure(record(h)),
    left: { 'failure-remembered': 'kmodsort status --failed' },
  },
];

export const brokenTrees: readonly BrokenTree[] = [
  ...entries,
  ...kernels,
  ...files,
  ...records,
  ...interrupted,
  ...access,
  ...keys,
  ...hooks,
  ...boot,
  ...settings,
  ...remarks,
];

/** Healthy worlds that look odd. */
export const oddTrees: readonly (Pick<BrokenTree, 'what' | 'env'> & { readonly make: (healthy: Healthy) => void })[] = [
  { what: 'as it was built', make: () => undefined },
  {
    what: 'with the package, on Debian',
    make: (h) => {
      withPackage(h, 'debian');
      put(inRoot(h, 'etc/kernel/postinst.d/dkms'), '#!/bin/sh\n', 0o644);
    },
  },
  {
    what: "with the package, and dkms's pacman hook switched off",
    make: (h) => {
      withPackage(h, 'arch');
      put(inRoot(h, 'usr/share/libalpm/hooks/70-dkms-install.hook'), '[Trigger]\n');
      mkdirSync(inRoot(h, 'etc/pacman.d/hooks'), { recursive: true });
      symlinkSync('/dev/null', inRoot(h, 'etc/pacman.d/hooks/70-dkms-install.hook'));
    },
  },
  {
    what: 'with Secure Boot on, and its validation switched off in shim',
    make: () => undefined,
    env: (h) => mokutil(h, 'SecureBoot enabled\\nSecureBoot validation is disabled in shim', 'not enrolled'),
  },
  {
    what: 'with its package, whose settings were edited and whose manual was not unpacked',
    make: (h) => {
      withDebianPackage(h);
      drop(inRoot(h, 'usr/share/man/man8/kmodsort.8.gz'));
      appendFileSync(inConf(h, 'framework.conf'), '# mine\n');
    },
  },
  {
    what: 'whose boot guard holds a kernel back',
    make: (h) => {
      setting(h, 'boot_guard="yes"\nrequired_modules="lonely"\n');
      put(inState(h, 'boot-hold'), heldBack(h.first));
    },
  },
  { what: 'with the package, on Fedora', make: (h) => withPackage(h, 'rpm', 'fedora') },
  { what: 'without a state directory, as dkms leaves it', make: (h) => drop(inState(h)) },
  {
    what: 'whose older version waits to be replaced',
    make: (h) => {
      symlinkSync('/nowhere', join(mkdirs(inTree(h, 'lonely/0.9')), 'source'));
      put(inState(h, 'replaced/lonely@0.9'), '');
    },
  },
  {
    what: 'with a hook that has just come into the queue',
    make: (h) => put(inState(h, 'queue/1'), 'apt\nend\n\n'),
  },
  {
    what: 'with what a trial found, and its log',
    make: (h) => {
      const kernel = { release: gone, arch };
      const failed = { module: { name: 'lonely', version: '1.0' }, kernel, failure: { kind: 'compiler-failed' } };
      put(inState(h, 'tried', `${gone}.json`), JSON.stringify({ at: new Date().toISOString(), modules: [failed] }));
      put(inState(h, 'log/lonely/1.0', `${gone}@${arch}.log`), 'error\n');
    },
  },
  {
    what: 'with every setting of the packaged framework.conf in use',
    make: (h) => {
      const text = readFileSync(join(repository, 'packaging/framework.conf'), 'utf8');
      // Where things are stays as it is, and no program is run that is not there.
      const kept = /^#(?!source_tree|install_tree|dkms_tree|kmodsort_state|sign_file|mok_)([a-z_]+=)/gm;
      setting(h, text.replaceAll(kept, '$1'));
    },
  },
];

const mkdirs = (path: string): string => {
  mkdirSync(path, { recursive: true });
  return path;
};
