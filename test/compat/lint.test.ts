import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lintCorpus } from '../lint-packages.ts';
import { missingPackages } from '../packages.ts';

/** Of Debian 12's module packages `kmodsort lint` says what was looked at by hand, and nothing else. */

const isBookworm = /^VERSION_CODENAME=bookworm$/m.test(readFileSync('/etc/os-release', 'utf8'));

it.skipIf(!isBookworm)("lint says nothing of Debian 12's packages that is not known to be true", (context) => {
  const missing = missingPackages(['shellcheck']);
  if (missing) return context.skip(missing);
  const { unknown, outdated } = lintCorpus();
  expect({ unknown, outdated }).toEqual({ unknown: [], outdated: [] });
});
