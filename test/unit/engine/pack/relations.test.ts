import { describe, expect, it } from 'vitest';
import { archKernelOf, rpmKernelOf } from '../../../../src/engine/pack/kernel-owner.ts';
import { relationsOf, relationText } from '../../../../src/engine/pack/relations.ts';

const release = '6.1.0-56-amd64';
const kernel = { name: `linux-image-${release}`, version: { is: '>=', of: '6.1.192-2' } } as const;
const spl = { name: 'spl', identity: 'aaaaaaaaaaaabbbb' };

describe('relations of packages', () => {
  it('need the kernel, kmod, and just those symbols of what they were built on', () => {
    const { depends, provides } = relationsOf('deb', 'zfs', release, kernel, [spl], ['111111111111x', '222222222222y']);
    expect(depends.map((one) => relationText('deb', one))).toEqual([
      `linux-image-${release} (>= 6.1.192-2)`,
      'kmod',
      `kmod-spl-${release}`,
      `kmod-spl-${release}-abi-aaaaaaaaaaaa`,
    ]);
    expect(provides).toEqual([`kmod-zfs-${release}-abi-111111111111`, `kmod-zfs-${release}-abi-222222222222`]);
  });

  it.each([
    ['deb', ['acpi-call-dkms']],
    ['rpm', ['dkms-acpi_call', 'acpi_call-dkms']],
    ['pacman', ['acpi_call-dkms']],
  ] as const)('%s: conflict with what builds the same', (format, expected) => {
    expect(relationsOf(format, 'acpi_call', release, kernel, [], []).conflicts).toEqual(expected);
  });

  it.each([
    ['deb', 'a (= 1-2)', 'a (>= 1-2)', 'a'],
    ['rpm', 'a = 1-2', 'a >= 1-2', 'a'],
    ['pacman', 'a=1-2', 'a>=1-2', 'a'],
  ] as const)('%s: in its own words', (format, exact, atLeast, any) => {
    const text = (is: '=' | '>=') => relationText(format, { name: 'a', version: { is, of: '1-2' } });
    expect([text('='), text('>='), relationText(format, { name: 'a' })]).toEqual([exact, atLeast, any]);
  });
});

describe('packages of kernels', () => {
  it.each([
    ['6.12.3-arch1-1', 'linux=6.12.3.arch1-1'],
    ['6.6.63-1-lts', 'linux-lts=6.6.63-1'],
    ['6.12.1-zen1-1-zen', 'linux-zen=6.12.1.zen1-1'],
    ['6.11.10-hardened1-2-hardened', 'linux-hardened=6.11.10.hardened1-2'],
    ['6.1.0-56-amd64', undefined],
    ['6.12.3-arch1-custom', undefined],
  ])('of Arch, %s', (name, expected) => {
    const relation = archKernelOf(name);
    expect(relation && relationText('pacman', relation)).toBe(expected);
  });

  it.each([
    ['6.12.5-200.fc41.x86_64', 'kernel-uname-r = 6.12.5-200.fc41.x86_64', undefined],
    ['6.1.0', 'kernel-uname-r = 6.1.0', undefined],
    ['6.1.0-56-amd64', 'kernel-6.1.0-56-amd64', true],
  ])('for rpm, %s', (name, expected, isGuessed) => {
    const owner = rpmKernelOf(name);
    expect([relationText('rpm', owner.relation), owner.isGuessed]).toEqual([expected, isGuessed]);
  });
});
