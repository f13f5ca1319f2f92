import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type DkmsRoot, missing, newer, older, startRoot, stopRoots } from './dkms-root.ts';

/** What Debian's dkms builds, installs and removes is nothing that `kmodsort doctor` has to say anything of. */

afterEach(stopRoots);

const fixtures = ['lonely/1.0', 'scripted/1.0', 'twice/1.0', 'replacer/2.0'];
const on = (release: string): string[] => ['-k', `${release}/x86_64`];

const doctor = async (root: DkmsRoot): Promise<string> => {
  const { stdout, stderr } = await root.kmodsort(['doctor']);
  return stdout + stderr;
};

const builtByDkms = async (): Promise<DkmsRoot> => {
  const root = await startRoot({ kernels: [older, newer] });
  for (const label of fixtures) {
    root.addSource(label.replace(/\/.*/, ''));
    await root.done('dkms', ['add', label]);
  }
  for (const { release } of [older, newer]) await root.done('dkms', ['autoinstall', ...on(release)]);
  return root;
};

describe.skipIf(missing)('kmodsort doctor', () => {
  it('says nothing of what dkms built, before and after it is adopted', async () => {
    const root = await builtByDkms();
    expect(await doctor(root)).toBe('doctor: nothing wrong: 4 modules, 2 kernels\n');
    await root.kmodsort(['sync']);
    expect(await doctor(root)).toBe('doctor: nothing wrong: 4 modules, 2 kernels\n');
  });

  it('says nothing of what dkms uninstalled, unbuilt and removed', async () => {
    const root = await builtByDkms();
    await root.kmodsort(['sync']);
    await root.done('dkms', ['uninstall', 'replacer/2.0', ...on(older.release)]);
    await root.done('dkms', ['unbuild', 'twice/1.0', ...on(older.release)]);
    expect(await doctor(root)).toBe('doctor: nothing wrong: 4 modules, 2 kernels\n');
    await root.done('dkms', ['remove', 'scripted/1.0', '--all']);
    // Records of ours are left behind: dkms does not know of them.
    const said = await doctor(root);
    expect([...new Set(said.match(/^[a-z-]+(?=: \/)/gm))]).toEqual(['record-left']);
    expect((await root.kmodsort(['doctor', '--fix'])).code).toBe(0);
    expect(await doctor(root)).toBe('doctor: nothing wrong: 3 modules, 2 kernels\n');
  });

  it('repairs what dkms has left of a kernel that is gone, and dkms goes on with the tree', async () => {
    const root = await builtByDkms();
    rmSync(root.machine.path(`/usr/lib/modules/${newer.release}`), { recursive: true });
    expect(await doctor(root)).toMatch(/^doctor: 4 findings, 4 can be repaired/m);
    expect((await root.kmodsort(['doctor', '--fix'])).code).toBe(0);
    expect(await root.status('dkms')).toEqual(
      [...fixtures].sort().map((label) => expect.stringMatching(`^${label}, ${older.release}, x86_64: installed`)),
    );
    await root.done('dkms', ['remove', 'replacer/2.0', '--all']);
    expect(await doctor(root)).toBe('doctor: nothing wrong: 3 modules, 1 kernel\n');
  });
});
