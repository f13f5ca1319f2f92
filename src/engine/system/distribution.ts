/** Which distribution this is, and which of them do a thing alike. */

/** Distributions that do as each other do. */
export type Family = 'debian' | 'ubuntu' | 'arch' | 'redhat' | 'suse' | 'gentoo';

/**
 * The distribution that decides where modules go: ID if it is ubuntu, else ID_LIKE if set, else ID; undefined text
 * counts as empty. Source: os-release(5) and what dkms does with it.
 */
export const distributionOf = (osRelease: string | undefined): string => {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease ?? '')?.[1]?.trim();
  const id = value('ID') ?? '';
  if (id === 'ubuntu') return id;
  return value('ID_LIKE') || id;
};

const families: readonly (readonly [prefix: string, family: Family])[] = [
  ['debian', 'debian'],
  ['ubuntu', 'ubuntu'],
  ['arch', 'arch'],
  ['fedora', 'redhat'],
  ['rhel', 'redhat'],
  ['centos', 'redhat'],
  ['ovm', 'redhat'],
  ['suse', 'suse'],
  ['sles', 'suse'],
  ['opensuse', 'suse'],
  ['gentoo', 'gentoo'],
];

/** The family of a distribution, by the beginning of its name: `rhel centos fedora` is Red Hat's. */
export const familyOf = (distribution: string): Family | undefined =>
  families.find(([prefix]) => distribution.startsWith(prefix))?.[1];
