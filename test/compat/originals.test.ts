import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { both, type DkmsRoot, missing, newer, older, other, startRoot, stopRoots } from './dkms-root.ts';

/** The kernel's own module, put aside by one program and put back by the other. */

afterEach(stopRoots);

const release = older.release;
const place = `/usr/lib/modules/${release}/kernel/drivers/misc/intree_demo.ko`;
const saved = `/var/lib/dkms/replacer/original_module/${release}/x86_64/intree_demo.ko`;
const on = ['-k', `${release}/x86_64`];

/** Debian's 3.0.10 saves nothing on Debian; later ones do everywhere. Where each of these has modules installed. */
const distributions = [
  { distribution: 'arch', installed: 'updates/dkms/intree_demo.ko' },
  { distribution: 'fedora', installed: 'extra/intree_demo.ko' },
  // No place of its own: the module of the conf stands where the kernel's own did.
  { distribution: 'gentoo', installed: 'kernel/drivers/misc/intree_demo.ko' },
];
const cases = both.flatMap((whose) => distributions.map((one) => ({ ...one, whose, next: other(whose) })));

const turns = both.map((whose) => ({ whose, next: other(whose) }));

const isReplaced = async (root: DkmsRoot, installed: string, version: string): Promise<void> => {
  expect(root.objects(release)).toEqual([installed]);
  expect(await root.modinfo(release, installed, 'version')).toBe(version);
};

const isBack = (root: DkmsRoot, original: string): void => {
  expect(root.objects(release)).toEqual(['kernel/drivers/misc/intree_demo.ko']);
  expect(root.bytes(place)).toBe(original);
  expect(root.exists('/var/lib/dkms/replacer/original_module')).toBe(false);
};

describe.skipIf(missing)("the kernel's own module", () => {
  it.each(cases)(
    'is put aside by $whose on $distribution and put back by $next',
    async ({ distribution, installed, whose, next }) => {
      const root = await startRoot({ distribution });
      root.addSource('replacer');
      const original = root.bytes(place);
      await root.done(whose, ['install', 'replacer/2.0', ...on]);
      await isReplaced(root, installed, '2.0');
      expect(root.bytes(saved)).toBe(original);
      const line = `replacer/2.0, ${release}, x86_64: installed`;
      expect(await root.status('kmodsort')).toEqual([`${line} (Original modules exist)`]);
      expect(await root.status('dkms')).toEqual([`${line} (original_module exists)`]);
      await root.done(next, ['uninstall', 'replacer/2.0', ...on]);
      isBack(root, original);
      expect(await root.status('kmodsort')).toEqual([`replacer/2.0, ${release}, x86_64: built`]);
    },
  );

  it.each(both)('is put back where the kernel has it although the module goes elsewhere, after %s', async (whose) => {
    const root = await startRoot({ distribution: 'arch' });
    const { directory } = root.addSource('replacer');
    const conf = `${directory}/dkms.conf`;
    writeFileSync(conf, readFileSync(conf, 'utf8').replace('/kernel/drivers/misc', '/extra/elsewhere'));
    const original = root.bytes(place);
    await root.done(whose, ['install', 'replacer/2.0', ...on]);
    await isReplaced(root, 'updates/dkms/intree_demo.ko', '2.0');
    await root.done('kmodsort', ['remove', 'replacer/2.0', '--all']);
    isBack(root, original);
  });

  it.each(turns)('stays aside while $next installs a new version over that of $whose', async ({ whose, next }) => {
    const root = await startRoot({ distribution: 'arch' });
    root.addSource('replacer');
    root.addSource('replacer', { version: '2.1' });
    const original = root.bytes(place);
    await root.done(whose, ['install', 'replacer/2.0', ...on]);
    await root.done(next, ['install', 'replacer/2.1', ...on]);
    await isReplaced(root, 'updates/dkms/intree_demo.ko', '2.1');
    expect(root.bytes(saved)).toBe(original);
    await root.done(whose, ['remove', 'replacer/2.0', '--all']);
    await isReplaced(root, 'updates/dkms/intree_demo.ko', '2.1');
    expect(root.bytes(saved)).toBe(original);
    await root.done(whose, ['remove', 'replacer/2.1', '--all']);
    isBack(root, original);
  });

  // An archive of one release line alone has no kernel with compressed modules.
  it.skipIf(!/\.ko\.\w+$/.test(newer.inTree))('is kept with its ending where modules are compressed', async () => {
    const root = await startRoot({ kernels: [newer], distribution: 'arch' });
    root.addSource('replacer');
    const [path = ''] = root.objects(newer.release);
    expect(path).toMatch(/^kernel\/drivers\/misc\/intree_demo\.ko\.\w+$/);
    const original = root.bytes(`/usr/lib/modules/${newer.release}/${path}`);
    for (const { whose, next } of turns) {
      await root.done(whose, ['install', 'replacer/2.0', '-k', newer.release]);
      expect(root.objects(newer.release)).toEqual([path.replace('kernel/drivers/misc', 'updates/dkms')]);
      await root.done(next, ['remove', 'replacer/2.0', '--all']);
      expect(root.objects(newer.release)).toEqual([path]);
      expect(root.bytes(`/usr/lib/modules/${newer.release}/${path}`)).toBe(original);
    }
  });

  it.each(turns)('stays in use where it is newer, through $whose and then $next', async ({ whose, next }) => {
    const root = await startRoot({ distribution: 'arch' });
    root.addSource('replacer', { version: '0.9' });
    const original = root.bytes(place);
    const ended = await root.run(whose, ['install', 'replacer/0.9', ...on]);
    // Debian's 3.0.10 has a change of its own: it says that the module is installed, and has installed nothing.
    expect([whose, ended.code]).toEqual([whose, whose === 'dkms' ? 0 : 6]);
    isBack(root, original);
    await root.done(next, ['remove', 'replacer/0.9', '--all']);
    isBack(root, original);
    expect(root.names('/var/lib/dkms')).toEqual([]);
  });
});
