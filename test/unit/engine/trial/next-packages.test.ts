import { describe, expect, it } from 'vitest';
import { simulatedPackages } from '../../../../src/engine/trial/next-packages.ts';

/** Lines of apt-get --simulate as Debian 12's says them. */
const simulation = `NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  linux-headers-6.1.0-57-amd64
Inst libc6 [2.36-9] (2.36-10 Debian:12.13/stable [amd64]) []
Inst linux-headers-6.1.0-57-common (6.1.200-1 Debian-Security:12/stable-security [all])
Inst linux-headers-6.1.0-57-amd64 (6.1.200-1 Debian-Security:12/stable-security [amd64])
Inst linux-image-amd64 [6.1.176-1] (6.1.200-1 Debian-Security:12/stable-security [amd64])
Inst zfs-dkms [2.1.10-1] (2.1.11-1+deb12u1 Debian:12.13/stable, Debian-Security:12/stable-security [all])
Inst gcc-12 [12.2.0-13] (12.2.0-14 Debian:12.13/stable [amd64])
Inst gccgo-12 (12.2.0-14 Debian:12.13/stable [amd64])
Inst makedev (2.3 Debian:12.13/stable [all])
Remv old-dkms [1.0]
Conf linux-headers-6.1.0-57-amd64 (6.1.200-1 Debian-Security:12/stable-security [amd64])
`;

describe('simulatedPackages', () => {
  it('takes what a build may depend on, with its version', () => {
    expect(simulatedPackages(simulation)).toEqual([
      'linux-headers-6.1.0-57-common=6.1.200-1',
      'linux-headers-6.1.0-57-amd64:amd64=6.1.200-1',
      'linux-image-amd64:amd64=6.1.200-1',
      'zfs-dkms=2.1.11-1+deb12u1',
      'gcc-12:amd64=12.2.0-14',
    ]);
  });

  it('takes nothing where nothing would come', () => {
    expect(simulatedPackages('0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n')).toEqual([]);
  });
});
