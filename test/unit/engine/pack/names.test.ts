import { describe, expect, it } from 'vitest';
import {
  packageArch,
  packageFile,
  packageName,
  packageVersion,
  revisionOf,
  secondsOf,
  symbolsName,
} from '../../../../src/engine/pack/names.ts';

const formats = ['deb', 'rpm', 'pacman'] as const;

describe('names of packages', () => {
  it.each([
    ['zfs', '6.1.0-56-amd64', ['kmod-zfs-6.1.0-56-amd64', 'kmod-zfs-6.1.0-56-amd64', 'kmod-zfs-6.1.0-56-amd64']],
    [
      'acpi_Call',
      '6.12+deb12',
      ['kmod-acpi-call-6.12+deb12', 'kmod-acpi_Call-6.12+deb12', 'kmod-acpi_call-6.12+deb12'],
    ],
    [
      'a~b@c:d',
      '5.14.0-4.el9.x86_64',
      ['kmod-a-b-c-d-5.14.0-4.el9.x86-64', 'kmod-a-b-c-d-5.14.0-4.el9.x86_64', 'kmod-a-b@c-d-5.14.0-4.el9.x86_64'],
    ],
  ])('of %s on %s', (name, release, expected) => {
    expect(formats.map((format) => packageName(format, name, release))).toEqual(expected);
  });

  it('say which symbols are exported', () => {
    expect(symbolsName('kmod-spl-6.1', '0123456789abcdef')).toBe('kmod-spl-6.1-abi-0123456789ab');
  });
});

describe('versions of packages', () => {
  it.each([
    ['2.1.11', ['2.1.11', '2.1.11', '2.1.11']],
    ['0~20220829+git', ['0~20220829+git', '0~20220829+git', '0~20220829+git']],
    ['1.0-rc1', ['1.0-rc1', '1.0.rc1', '1.0.rc1']],
    ['v3.2', ['3.2', '3.2', '3.2']],
    ['r123', ['0.r123', '0.r123', '0.r123']],
    ['vanilla', ['0.vanilla', '0.vanilla', '0.vanilla']],
    ['1:2.3_4@5', ['1.2.3.4.5', '1.2.3_4.5', '1.2.3_4.5']],
  ])('of %s', (version, expected) => {
    expect(formats.map((format) => packageVersion(format, version))).toEqual(expected);
  });

  it('go up with the time of the build', () => {
    const builds = ['2026-11-28T07:52:12.345Z', '2026-11-28T07:52:13.001Z', '2026-12-01T00:00:00.000Z'];
    const revisions = builds.map(revisionOf);
    expect(revisions).toEqual(['20261128075212', '20261128075213', '20261201000000']);
    expect(builds.map(secondsOf)).toEqual([1795852332, 1795852333, 1796083200]);
  });
});

describe('files of packages', () => {
  it.each([
    ['deb', 'x86_64', 'kmod-a-6.1_1.0-7_amd64.deb'],
    ['deb', 'aarch64', 'kmod-a-6.1_1.0-7_arm64.deb'],
    ['deb', 'riscv64', 'kmod-a-6.1_1.0-7_riscv64.deb'],
    ['rpm', 'x86_64', 'kmod-a-6.1-1.0-7.x86_64.rpm'],
    ['rpm', 'armv7l', 'kmod-a-6.1-1.0-7.armv7hl.rpm'],
    ['pacman', 'aarch64', 'kmod-a-6.1-1.0-7-aarch64.pkg.tar.zst'],
  ] as const)('%s on %s', (format, arch, expected) => {
    const facts = { name: 'kmod-a-6.1', version: '1.0', revision: '7', arch: packageArch(format, arch) };
    expect(packageFile(format, facts)).toBe(expected);
  });
});
