import { describe, expect, it } from 'vitest';
import {
  type Packaging,
  packagingFindings,
  rpmScriptlets,
  specScriptlets,
} from '../../../../src/engine/lint/scriptlets.ts';

const packaging = (kind: Packaging['kind'], text: string, name = 'prerm'): Packaging => ({
  kind,
  shown: 'p',
  scriptlets: [{ file: 's', before: 0, name, text }],
  hasConf: true,
  usesHelper: false,
});

const found = (one: Packaging): string[] => packagingFindings(one).map(({ rule, line }) => `${rule}:${line}`);

describe('packagingFindings', () => {
  const remove = 'dkms remove -m a -v 1 --all';
  it.each([
    ['%postun that removes', packaging('rpm', remove), ['rpm-remove-on-upgrade:1']],
    ['one that says so', packaging('rpm', `${remove} --rpm_safe_upgrade`), []],
    ['one only at erase', packaging('rpm', `if [ "$1" = 0 ]; then\n${remove}\nfi`), []],
    ['the same in one line', packaging('rpm', `[ $1 -eq 0 ] && ${remove}`), []],
    ['the same as test of bash', packaging('rpm', `if [[ $1 == 0 ]]; then\n${remove}\nfi`), []],
    ['one after another if', packaging('rpm', `if [ "$1" = 0 ]; then\n:\nfi\n${remove}`), ['rpm-remove-on-upgrade:4']],
    ['one under another if', packaging('rpm', `if [ -e /x ]; then\n${remove}\nfi`), ['rpm-remove-on-upgrade:2']],
    ['a prerm of Debian that removes', packaging('deb', remove), []],
    ['one of other things', packaging('deb', 'true'), ['debian-no-removal:1']],
    ['a postrm that removes', packaging('deb', remove, 'postrm'), ['debian-no-removal:1']],
    ['depmod', packaging('pacman', ':\n/sbin/depmod -a'), ['depmod-in-scriptlet:2']],
    ['depmod in words', packaging('pacman', 'echo "run depmod -a"'), []],
    ['dkms status', packaging('pacman', 'dkms status'), []],
    ['dkms install', packaging('pacman', 'dkms install a/1'), ['arch-dkms-in-install:1']],
  ])('%s', (_what, one, expected) => {
    expect(found(one)).toEqual(expected);
  });
});

it('cuts what rpm -qp --scripts prints', () => {
  const output =
    'postinstall scriptlet (using /bin/sh):\na\nb\npreuninstall scriptlet (using /bin/sh):\nc\npostuninstall program: /sbin/ldconfig\n';
  expect(rpmScriptlets('x.rpm', output).map(({ file, text }) => [file, text])).toEqual([
    ['x.rpm:postinstall', 'a\nb'],
    ['x.rpm:preuninstall', 'c'],
    ['x.rpm:postuninstall', ''],
  ]);
});

it('cuts a .spec, with the lines of the file', () => {
  const spec = 'Name: x\n%post -p /bin/sh\na\n%preun\nb\n%files\n%config c\n';
  expect(specScriptlets('x.spec', spec).map(({ name, before, text }) => [name, before, text])).toEqual([
    ['post', 2, 'a'],
    ['preun', 4, 'b'],
  ]);
});
