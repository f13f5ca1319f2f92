/**
 * Order of versions as dkms users know it: every run of digits counts as a number, the rest as
 * bytes, a prefix is the smaller one (`5.9` < `5.10` < `5.10.1`). dkms pads to three digits and so
 * puts 3.10.0-1160 before 3.10.0-957; here digits are padded as far as needed.
 */

const width = 24;

const padded = (version: string): Buffer =>
  Buffer.from(version.replace(/\d+/g, (digits) => digits.replace(/^0+(?=\d)/, '').padStart(width, '0')));

/** Negative if a is older than b, 0 if they are the same, positive if it is newer. */
export const compareVersions = (a: string, b: string): number => Buffer.compare(padded(a), padded(b));

/** The newest of some versions; undefined for none. */
export const newestOf = (versions: readonly string[]): string | undefined =>
  versions.reduce<string | undefined>(
    (best, version) => (best === undefined || compareVersions(version, best) > 0 ? version : best),
    undefined,
  );
