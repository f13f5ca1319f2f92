import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type DkmsRoot, missing, older, startRoot, stopRoots, type Whose } from './dkms-root.ts';

/** What the scripts and the make command of a module get from either program: when, where, and with which words. */

afterEach(stopRoots);

const release = older.release;
const on = ['-k', `${release}/x86_64`];
const log = '/var/log/told';

/** Says who it is, its arguments, where it is, and what of the environment builds depend on. */
const teller = `#!/bin/sh
{
  printf '%s|' "$0" "$@"
  printf 'in %s|umask %s' "$(printenv PWD)" "$(umask)"
  for name in CC CXX CFLAGS CXXFLAGS LDFLAGS ARCH KERNELRELEASE OWN_WORD; do
    eval "[ -z \\"\\\${$name+set}\\" ] || printf '|%s=%s' $name \\"\\$$name\\""
  done
  [ -e "$0" ] && echo
} >> ${log}
case $* in *fail*) exit 7 ;; esac
exit 0
`;

const scripts = ['PRE_BUILD', 'POST_BUILD', 'POST_ADD', 'PRE_INSTALL', 'POST_INSTALL', 'POST_REMOVE'];
const fileOf = (script: string): string => `${script.toLowerCase().replace('_', '-')}.sh`;

const conf = `
${scripts.map((script) => `${script}="${fileOf(script)} ${script} $kernelver 'a b' *.txt"`).join('\n')}
MAKE[0]="./make.sh K=$kernelver $arch V=$module_version; make -C $kernel_source_dir M=$dkms_tree/lonely/1.0/build"
`;

const addTeller = (root: DkmsRoot, more = ''): void => {
  root.addSource('lonely', {
    edit: (directory) => {
      for (const script of [...scripts.map(fileOf), 'make.sh']) {
        writeFileSync(join(directory, script), teller, { mode: 0o755 });
      }
      writeFileSync(join(directory, 'dkms.conf'), `${conf}${more}`, { flag: 'a' });
    },
  });
};

const told = (root: DkmsRoot): string[] => root.machine.read(log).split('\n').filter(Boolean);

/** Variables that would change a build, and one that people use. */
const env = { CC: 'nobody', CXX: 'nobody', CFLAGS: '-O9', CXXFLAGS: '-O9', LDFLAGS: '-lx', ARCH: '', OWN_WORD: 'kept' };

const wholeLife = [
  ['add', 'lonely/1.0'],
  ['build', 'lonely/1.0', ...on],
  ['install', 'lonely/1.0', ...on],
  ['uninstall', 'lonely/1.0', ...on],
  ['install', 'lonely/1.0', ...on],
  ['remove', 'lonely/1.0', '--all'],
];

const live = async (whose: Whose): Promise<string[]> => {
  const root = await startRoot();
  // They tell it by a file that is not theirs to write.
  root.machine.write('/etc/dkms/framework.conf.d/sandbox.conf', 'sandbox="no"\n');
  addTeller(root);
  for (const args of wholeLife) await root.done(whose, args, { env });
  return told(root);
};

describe.skipIf(missing)('the scripts of a module', () => {
  it('are run at the same moments, in the same places, with the same words', async () => {
    const [theirs = [], ours] = [await live('dkms'), await live('kmodsort')];
    expect(theirs.map((line) => line.split('|')[0]?.replace(/.*\//, ''))).toEqual([
      'post-add.sh',
      'pre-build.sh',
      'make.sh',
      'post-build.sh',
      'pre-install.sh',
      'post-install.sh',
      'post-remove.sh',
      'pre-install.sh',
      'post-install.sh',
      'post-remove.sh',
    ]);
    expect(ours).toEqual(theirs);
  });

  const afterFailing = async (whose: Whose, script: string) => {
    const root = await startRoot();
    addTeller(root, `${script}="${fileOf(script)} fail"\n`);
    const { code } = await root.run(whose, ['install', 'lonely/1.0', ...on]);
    const tree = root.tree().filter((path) => !path.includes('/build/') && !path.includes('/log/'));
    return { code, tree, objects: root.objects(release), status: await root.status(whose) };
  };

  it.each(['PRE_INSTALL', 'POST_INSTALL'])('end the same way when %s fails', async (script) => {
    expect(await afterFailing('kmodsort', script)).toEqual(await afterFailing('dkms', script));
  });

  it.each([
    { script: 'PRE_BUILD', state: /: added$/ },
    { script: 'POST_BUILD', state: /: built$/ },
  ])('end with the code of a failing $script, which 3.0.10 does not look at', async ({ script, state }) => {
    const theirs = await afterFailing('dkms', script);
    expect(theirs).toMatchObject({ code: 0, status: [expect.stringMatching(/: installed$/)] });
    const ours = await afterFailing('kmodsort', script);
    expect(ours).toMatchObject({ code: 7, status: [expect.stringMatching(state)] });
  });
});
