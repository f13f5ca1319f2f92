/** What `kmodsort lint` says of Debian 12's module packages, each looked at by hand. */

export interface Verdict {
  readonly rule: string;
  /** Part of the reason that the rule gives. */
  readonly says: string;
  /** Names of packages; the table counts findings itself. */
  readonly packages: readonly string[];
  readonly verdict: string;
}

export const verdicts: readonly Verdict[] = [
  {
    rule: 'build-depends-missing',
    says: '/usr/src/xtables-addons-* belongs to xtables-addons',
    packages: ['west-chamber-dkms'],
    verdict: 'true: it compiles a file of xtables-addons, on which only the package depends',
  },
  {
    rule: 'directive-deprecated',
    says: 'CLEAN is deprecated',
    packages: [
      'acpi-call-dkms',
      'apfs-dkms',
      'dahdi-dkms',
      'ddcci-dkms',
      'dm-writeboost-dkms',
      'dpdk-kmods-dkms',
      'evdi-dkms',
      'gost-crypto-dkms',
      'jool-dkms',
      'langford-dkms',
      'lime-forensics-dkms',
      'openafs-modules-dkms',
      'openvpn-dco-dkms',
      'rapiddisk-dkms',
      'rtpengine-kernel-dkms',
      'tp-smapi-dkms',
      'v4l2loopback-dkms',
      'vpoll-dkms',
      'west-chamber-dkms',
      'xtables-addons-dkms',
    ],
    verdict: 'true of dkms 3.4 and kmodsort; the dkms 3.0 of Debian 12 still runs it',
  },
  {
    rule: 'directive-unknown',
    says: 'LOAD is no directive',
    packages: ['lime-forensics-dkms'],
    verdict: 'true: nothing in dkms knows it',
  },
  {
    rule: 'jobserver-not-joined',
    says: '"make modules"',
    packages: ['dahdi-dkms', 'jool-dkms', 'west-chamber-dkms'],
    verdict:
      'true: dahdi calls make twice in parentheses, jool three times, of which only the first is joined, west-chamber after ln',
  },
  {
    rule: 'jobserver-not-joined',
    says: '"make" is not',
    packages: ['openafs-modules-dkms'],
    verdict: 'true: `(./configure … && make …)`',
  },
  {
    rule: 'jobserver-not-joined',
    says: '"make driver"',
    packages: ['openrazer-driver-dkms'],
    verdict: 'true: `KERNELDIR=… make driver`',
  },
  {
    rule: 'module-version',
    says: 'MODULE_VERSION is 0.01',
    packages: ['vpoll-dkms'],
    verdict: 'true: the package is 0.1',
  },
  {
    rule: 'module-version',
    says: 'MODULE_VERSION is 0.1',
    packages: ['xtrx-dkms'],
    verdict: 'true: modinfo shows 0.1 of what is packaged as 0.0.1',
  },
  {
    rule: 'writes-outside',
    says: '/usr/src/west-chamber-20100405+svn20111107.r124/extensions',
    packages: ['west-chamber-dkms'],
    verdict: 'true: it builds in /usr/src and moves the objects afterwards',
  },
  {
    rule: 'shellcheck-error',
    says: 'SC2145',
    packages: ['iptables-netflow-dkms'],
    verdict: 'true, in a message only',
  },
  {
    rule: 'shellcheck-warning',
    says: 'SC2046',
    packages: ['iptables-netflow-dkms'],
    verdict: 'true: words are split, harmless without blanks in paths',
  },
  {
    rule: 'shellcheck-warning',
    says: 'SC2062',
    packages: ['iptables-netflow-dkms'],
    verdict: 'true: the pattern of grep is a glob to the shell, harmless where no file matches',
  },
  {
    rule: 'shellcheck-warning',
    says: 'SC2124',
    packages: ['iptables-netflow-dkms'],
    verdict: 'true: arguments with blanks become several',
  },
  {
    rule: 'shellcheck-warning',
    says: 'SC2164',
    packages: ['iptables-netflow-dkms'],
    verdict: 'true: a failing pushd of its dkms.conf goes unseen',
  },
  {
    rule: 'shellcheck-warning',
    says: 'SC2166',
    packages: ['iptables-netflow-dkms', 'lttng-modules-dkms'],
    verdict: 'true: POSIX does not define `-a` of test for so many arguments',
  },
];
