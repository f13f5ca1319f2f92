import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { both, type DkmsRoot, missing, newer, older, other, startRoot, stopRoots } from './dkms-root.ts';

/** One tree, two programs: what Debian's dkms has begun kmodsort's goes on with, and the other way round. */

afterEach(stopRoots);

const on = (release: string): string[] => ['-k', `${release}/x86_64`];
const lonely = 'lonely/1.0';

/** Each starts what the other ends. */
const turns = both.map((whose) => ({ whose, next: other(whose) }));

/** Texts of status lines that are others in 3.0.10: those that are kept to came later. */
const texts: readonly (readonly [string, string])[] = [
  ['(original_module exists)', '(Original modules exist)'],
  ['(WARNING! Diff between built and installed module!)', '(Differences between built and installed modules)'],
];

const sameStatus = async (root: DkmsRoot, args: readonly string[] = []): Promise<string[]> => {
  const theirs = await root.status('dkms', args);
  const ours = await root.status('kmodsort', args);
  expect(ours).toEqual(theirs.map((line) => texts.reduce((text, [old, now]) => text.replace(old, now), line)));
  return ours;
};

const state = (name: string, release: string, text: string): string => `${name}, ${release}, x86_64: ${text}`;

describe.skipIf(missing)('a tree', () => {
  it.each(turns)('that $whose installed in is uninstalled, unbuilt and removed by $next', async ({ whose, next }) => {
    const root = await startRoot({ kernels: [older, newer] });
    root.addSource('lonely');
    root.addSource('twice');
    for (const kernel of [older, newer]) {
      await root.done(whose, ['install', lonely, ...on(kernel.release)]);
      await root.done(whose, ['install', 'twice/1.0', ...on(kernel.release)]);
    }
    expect(await sameStatus(root)).toEqual([
      state(lonely, older.release, 'installed'),
      state(lonely, newer.release, 'installed'),
      state('twice/1.0', older.release, 'installed'),
      state('twice/1.0', newer.release, 'installed'),
    ]);
    await root.done(next, ['uninstall', lonely, ...on(older.release)]);
    expect(root.objects(older.release).filter((path) => path.includes('lonely'))).toEqual([]);
    expect(await sameStatus(root, [lonely])).toEqual([
      state(lonely, older.release, 'built'),
      state(lonely, newer.release, 'installed'),
    ]);
    await root.done(next, ['unbuild', lonely, ...on(newer.release)]);
    expect(await sameStatus(root, [lonely])).toEqual([state(lonely, older.release, 'built')]);
    await root.done(next, ['remove', lonely, '--all']);
    await root.done(next, ['remove', 'twice/1.0', '--all']);
    expect(await sameStatus(root)).toEqual([]);
    expect(root.names('/var/lib/dkms')).toEqual([]);
    for (const kernel of [older, newer]) {
      expect(root.objects(kernel.release)).toEqual([expect.stringContaining('kernel/drivers/misc/intree_demo.ko')]);
      expect(root.exists(`/usr/lib/modules/${kernel.release}/updates`)).toBe(false);
    }
    expect(root.names('/usr/src')).toEqual(['lonely-1.0', 'twice-1.0']);
  });

  it.each(turns)('that $whose only built in is installed by $next as it is', async ({ whose, next }) => {
    const root = await startRoot();
    root.addSource('twice');
    await root.done(whose, ['add', 'twice/1.0']);
    expect(await sameStatus(root)).toEqual(['twice/1.0: added']);
    await root.done(whose, ['build', 'twice/1.0', ...on(older.release)]);
    expect(await sameStatus(root)).toEqual([state('twice/1.0', older.release, 'built')]);
    const built = root.identities(older.release).filter((line) => line.includes('/twice/'));
    expect(built).toHaveLength(2);
    await root.done(next, ['install', 'twice/1.0', ...on(older.release)]);
    expect(root.identities(older.release).filter((line) => line.includes('/twice/'))).toEqual(built);
    expect(await sameStatus(root)).toEqual([state('twice/1.0', older.release, 'installed')]);
    expect(root.objects(older.release)).toEqual(
      expect.arrayContaining(['updates/dkms/twice_a.ko', 'updates/dkms/twice_b.ko']),
    );
  });

  it.each(turns)('that $whose installed in gets a new version from $next', async ({ whose, next }) => {
    const root = await startRoot();
    root.addSource('lonely');
    root.addSource('lonely', { version: '1.1' });
    await root.done(whose, ['install', lonely, ...on(older.release)]);
    const before = root.identities(older.release).filter((line) => line.includes('/updates/'));
    await root.done(next, ['install', 'lonely/1.1', ...on(older.release), '--force']);
    const after = root.identities(older.release).filter((line) => line.includes('/updates/'));
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    expect(await sameStatus(root)).toEqual([
      state(lonely, older.release, 'built'),
      state('lonely/1.1', older.release, 'installed'),
    ]);
    await root.done(whose, ['remove', lonely, '--all']);
    expect(root.identities(older.release).filter((line) => line.includes('/updates/'))).toEqual(after);
    expect(await sameStatus(root)).toEqual([state('lonely/1.1', older.release, 'installed')]);
    await root.done(next, ['remove', 'lonely/1.1', '--all']);
    expect(root.names('/var/lib/dkms')).toEqual([]);
  });

  it('that dkms built is adopted: nothing is built, and no file changes', async () => {
    const root = await startRoot({ kernels: [older, newer] });
    for (const fixture of ['lonely', 'scripted', 'twice']) {
      root.addSource(fixture);
      await root.done('dkms', ['add', `${fixture}/1.0`]);
    }
    for (const { release } of [older, newer]) await root.done('dkms', ['autoinstall', ...on(release)]);
    const before = root.identities(older.release).concat(root.identities(newer.release));
    const status = await sameStatus(root);
    expect(status).toHaveLength(6);
    // A build would be noticed: it fails.
    const make = root.machine.path('/usr/bin/make');
    renameSync(make, `${make}.away`);
    for (const { release } of [older, newer]) {
      const hook = await root.kmodsort(['hook', 'run', 'apt', 'postinst', release, `/boot/vmlinuz-${release}`]);
      expect(hook.stdout + hook.stderr).toMatch(/nothing to do: 3 modules on \d kernels?/);
    }
    const sync = await root.kmodsort(['sync']);
    expect([sync.code, sync.stdout]).toEqual([0, expect.stringMatching(/nothing to do: 3 modules on 2 kernels/)]);
    expect(root.identities(older.release).concat(root.identities(newer.release))).toEqual(before);
    expect(await sameStatus(root)).toEqual(status);
    // And what it was built from is known now: one change is one build.
    renameSync(`${make}.away`, make);
    root.machine.write('/usr/src/lonely-1.0/README', 'changed\n');
    const changed = await root.kmodsort(['sync', '-k', older.release]);
    expect([changed.code, changed.stdout]).toEqual([0, expect.stringMatching(/lonely\/1\.0/)]);
    const unlike = root.identities(older.release).filter((line) => !before.includes(line));
    expect(unlike.map((line) => line.split(' ')[0])).toEqual([
      `/var/lib/dkms/lonely/1.0/${older.release}/x86_64/module/lonely.ko`,
      `/usr/lib/modules/${older.release}/updates/dkms/lonely.ko`,
    ]);
  });

  it('that kmodsort built asks nothing of dkms', async () => {
    const root = await startRoot({ kernels: [older, newer] });
    for (const fixture of ['zeta-core', 'mid-link', 'alpha-top', 'loops', 'patched']) {
      root.addSource(fixture);
      await root.done('kmodsort', ['add', `${fixture}/1.0`]);
    }
    for (const { release } of [older, newer]) await root.done('kmodsort', ['autoinstall', ...on(release)]);
    const before = root.identities(older.release).concat(root.identities(newer.release));
    const status = await sameStatus(root);
    expect(status.filter((line) => line.endsWith(': installed'))).toHaveLength(10);
    rmSync(root.machine.path('/usr/bin/make'));
    for (const { release } of [older, newer]) {
      await root.done('dkms', ['autoinstall', ...on(release)]);
      expect(await root.done('dkms', ['install', 'alpha-top/1.0', ...on(release)])).toContain('already installed');
      expect(await root.done('dkms', ['build', 'zeta-core/1.0', ...on(release)])).toContain('already built');
    }
    expect(root.identities(older.release).concat(root.identities(newer.release))).toEqual(before);
  });

  it.each(turns)(
    'in which a build of $whose failed is built in by $next when the source is mended',
    async ({ whose, next }) => {
      const root = await startRoot();
      const { directory } = root.addSource('broken');
      const failed = await root.run(whose, ['install', 'broken/1.0', ...on(older.release)]);
      expect(failed.code).toBe(10);
      expect(root.machine.read('/var/lib/dkms/broken/1.0/build/make.log')).toContain('error:');
      expect(await sameStatus(root)).toEqual(['broken/1.0: added']);
      const again = await root.run(next, ['install', 'broken/1.0', ...on(older.release)]);
      expect(again.code).toBe(10);
      writeFileSync(join(directory, 'broken_mod.c'), '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n');
      await root.done(whose, ['install', 'broken/1.0', ...on(older.release)]);
      expect(await sameStatus(root)).toEqual([state('broken/1.0', older.release, 'installed')]);
      await root.done(next, ['remove', 'broken/1.0', '--all']);
      expect(root.names('/var/lib/dkms')).toEqual([]);
    },
  );

  it.each(both)('says the same of what %s installed and somebody harmed', async (whose) => {
    const root = await startRoot();
    for (const fixture of ['lonely', 'twice']) {
      root.addSource(fixture);
      await root.done(whose, ['install', `${fixture}/1.0`, ...on(older.release)]);
    }
    root.machine.write(`/usr/lib/modules/${older.release}/updates/dkms/lonely.ko`, 'harmed');
    rmSync(root.machine.path(`/usr/lib/modules/${older.release}/updates/dkms/twice_b.ko`));
    expect(await sameStatus(root)).toEqual([
      state(lonely, older.release, 'installed (Differences between built and installed modules)'),
      state('twice/1.0', older.release, 'installed (Differences between built and installed modules)'),
    ]);
    expect(await sameStatus(root, ['twice'])).toHaveLength(1);
    expect(await sameStatus(root, ['-k', newer.release])).toEqual(['lonely/1.0: added', 'twice/1.0: added']);
    expect(await sameStatus(root, ['nothing'])).toEqual([]);
  });

  it.each(turns)('goes into a tarball of $whose and comes out with $next', async ({ whose, next }) => {
    const root = await startRoot();
    root.addSource('twice');
    await root.done(whose, ['build', 'twice/1.0', ...on(older.release)]);
    await root.done(whose, ['mktarball', 'twice/1.0', ...on(older.release), '--archive', '/tmp/twice.tar.gz']);
    const files = root.tree().filter((path) => path.includes('/module/'));
    await root.done(whose, ['remove', 'twice/1.0', '--all']);
    rmSync(root.machine.path('/usr/src/twice-1.0'), { recursive: true });
    const found = root.machine.exists('/tmp/twice.tar.gz')
      ? '/tmp/twice.tar.gz'
      : '/var/lib/dkms/twice/1.0/tarball/twice.tar.gz';
    await root.done(next, ['ldtarball', found]);
    expect(await sameStatus(root)).toEqual([state('twice/1.0', older.release, 'built')]);
    expect(root.tree().filter((path) => path.includes('/module/'))).toEqual(files);
    rmSync(root.machine.path('/usr/bin/make'));
    await root.done(next, ['install', 'twice/1.0', ...on(older.release)]);
    expect(await sameStatus(root)).toEqual([state('twice/1.0', older.release, 'installed')]);
  });
});
