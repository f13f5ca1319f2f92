import { afterEach, describe, expect, it } from 'vitest';
import { both, type DkmsRoot, missing, older, other, startRoot, stopRoots, type Whose } from './dkms-root.ts';

/** What an administrator has set for dkms is set for kmodsort too. */

afterEach(stopRoots);

const release = older.release;
const on = ['-k', `${release}/x86_64`];
const installed = `/usr/lib/modules/${release}/updates/dkms`;

/** Both install the same module on trees of their own; what each then has. */
const sideBySide = async <T>(
  args: readonly string[],
  prepare: (root: DkmsRoot) => void,
  look: (root: DkmsRoot, whose: Whose, code: number | null) => Promise<T>,
): Promise<{ ours: T; theirs: T }> => {
  const answer = async (whose: Whose): Promise<T> => {
    const root = await startRoot();
    root.addSource('lonely');
    prepare(root);
    const ended = await root.run(whose, args);
    return look(root, whose, ended.code);
  };
  return { theirs: await answer('dkms'), ours: await answer('kmodsort') };
};

const install = ['install', 'lonely/1.0', ...on];

describe.skipIf(missing)('a setting', () => {
  it('of overriding confs and directives counts in the same order', async () => {
    const place = async (root: DkmsRoot) => root.names(installed);
    const confs = ['lonely', 'lonely-1.0', `lonely-1.0-${release}`, `lonely-1.0-${release}-x86_64`];
    const longer = (root: DkmsRoot): void => {
      for (const [index, conf] of confs.entries()) {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: for the shell that reads the conf.
        const before = '${DEST_MODULE_NAME[0]}';
        root.machine.write(`/etc/dkms/${conf}.conf`, `DEST_MODULE_NAME[0]="${before}_${index}"\n`);
      }
    };
    const { ours, theirs } = await sideBySide(install, longer, place);
    expect(theirs).toEqual(['_0_1_2_3.ko']);
    expect(ours).toEqual(theirs);
  });

  it('of a directive typed with the command is the last one', async () => {
    const conf = (root: DkmsRoot): void => root.machine.write('/etc/dkms/lonely.conf', 'PRE_INSTALL="nobody.sh"\n');
    const args = [...install, '--directive', 'POST_INSTALL=told.sh', '--directive=DEST_MODULE_NAME=last'];
    const { ours, theirs } = await sideBySide(args, conf, async (root) => root.names(installed));
    expect(theirs).toEqual(['last.ko']);
    expect(ours).toEqual(theirs);
  });

  it.each(both)('of a signing key is that of %s for the other one too', async (whose) => {
    const root = await startRoot();
    root.world.configure('try_sign_modules="true"\n');
    root.addSource('lonely');
    root.addSource('twice');
    await root.done(whose, install);
    expect(root.names('/var/lib/dkms')).toEqual(expect.arrayContaining(['mok.key', 'mok.pub']));
    const key = root.bytes('/var/lib/dkms/mok.key');
    await root.done(other(whose), ['install', 'twice/1.0', ...on]);
    expect(root.bytes('/var/lib/dkms/mok.key')).toBe(key);
    const signer = await root.modinfo(release, 'updates/dkms/lonely.ko', 'sig_key');
    expect(signer).toMatch(/^[0-9A-F:]{20,}$/);
    for (const field of ['signer', 'sig_key', 'sig_hashalgo']) {
      const theirs = await root.modinfo(release, 'updates/dkms/lonely.ko', field);
      expect([field, await root.modinfo(release, 'updates/dkms/twice_a.ko', field)]).toEqual([field, theirs]);
    }
  });

  it('of links instead of copies leads to the same place', async () => {
    const { ours, theirs } = await sideBySide(
      install,
      (root) => root.world.configure('symlink_modules="yes"\nsign_file="/nowhere"\n'),
      async (root) => (await root.machine.run(['readlink', `${installed}/lonely.ko`])).stdout,
    );
    expect(theirs).toContain(`/var/lib/dkms/lonely/1.0/${release}/x86_64/module/lonely.ko`);
    expect(ours).toBe(theirs);
  });

  it('of the tree moves it', async () => {
    const { ours, theirs } = await sideBySide(
      install,
      (root) => root.world.configure('dkms_tree="/srv/dkms"\nsign_file="/nowhere"\n'),
      async (root) => root.world.files(root.machine.path('/srv/dkms')).filter((path) => !path.includes('/log/')),
    );
    expect(theirs).toContain(`lonely/1.0/${release}/x86_64/module/lonely.ko`);
    expect(ours).toEqual(theirs);
  });
});
