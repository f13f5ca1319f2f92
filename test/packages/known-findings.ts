import type { Release } from '../system/roots.ts';

/** What `kmodsort verify` says rightly of an object in one of Debian's packages. */
interface Finding {
  readonly object: string;
  /** In the words of verify. */
  readonly problem: string;
  /** What shows that it is so. */
  readonly why: string;
}

export const knownFindings: Readonly<Record<Release, readonly Finding[]>> = {
  bookworm: [
    {
      object: 'dahdi_echocan_oslec',
      problem: 'Unknown symbol oslec_create: nothing exports it',
      why: "dahdi builds an echo.ko that has the symbol, but its dkms.conf does not install it, and Debian's kernel has none: the headers' Module.symvers does not name it, and depmod -e says the same",
    },
  ],
  trixie: [],
};
