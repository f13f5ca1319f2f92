import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readModulesDep } from '../../../../src/engine/install/modules-dep.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

it('says which files modprobe finds, and by which names', () => {
  put(
    join(root, 'modules.dep'),
    'kernel/fs/a-b.ko.xz: kernel/lib/c.ko.xz\nkernel/lib/c.ko.xz:\n\n# a comment\nupdates/dkms/d.ko: kernel/x:y.ko\n',
  );
  const listed = readModulesDep(root);
  expect([...(listed?.paths ?? [])]).toEqual(['kernel/fs/a-b.ko.xz', 'kernel/lib/c.ko.xz', 'updates/dkms/d.ko']);
  expect([...(listed?.names ?? [])]).toEqual(['a_b', 'c', 'd']);
});

it('says nothing where depmod was never run', () => {
  expect(readModulesDep(join(root, 'gone'))).toBeUndefined();
});
