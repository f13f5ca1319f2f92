import { describe, expect, it } from 'vitest';
import { distributionOf, familyOf } from '../../../../src/engine/system/distribution.ts';

describe('distributionOf', () => {
  it.each([
    ['ID=debian\n', 'debian'],
    ['ID="debian"\n', 'debian'],
    ["ID='debian'\n", 'debian'],
    ['ID=ubuntu\nID_LIKE=debian\n', 'ubuntu'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'ubuntu debian'],
    ['ID_LIKE="rhel centos fedora"\nID="almalinux"\n', 'rhel centos fedora'],
    ['ID="rhel"\nID_LIKE="fedora"\n', 'fedora'],
    ['ID=debian\nID_LIKE=\n', 'debian'],
    ['VERSION_ID=12\nID=arch\n', 'arch'],
    ['NAME=x\n', ''],
    [undefined, ''],
  ])('%j is %j', (text, expected) => {
    expect(distributionOf(text)).toBe(expected);
  });
});

describe('familyOf', () => {
  it.each([
    ['debian', 'debian'],
    ['ubuntu', 'ubuntu'],
    ['ubuntu debian', 'ubuntu'],
    ['arch', 'arch'],
    ['archlinux', 'arch'],
    ['fedora', 'redhat'],
    ['rhel centos fedora', 'redhat'],
    ['centos', 'redhat'],
    ['ovm', 'redhat'],
    ['suse opensuse', 'suse'],
    ['sles', 'suse'],
    ['opensuse-tumbleweed', 'suse'],
    ['gentoo', 'gentoo'],
    ['void', undefined],
    ['', undefined],
    ['not debian', undefined],
  ])('%j is of the family %s', (distribution, family) => {
    expect(familyOf(distribution)).toBe(family);
  });
});
