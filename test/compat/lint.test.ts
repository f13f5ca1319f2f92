import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { lintCorpus } from '../lint-packages.ts';

/** Of Debian 12's module packages `kmodsort lint` says what was looked at by hand, and nothing else. */

const isBookworm = /^VERSION_CODENAME=bookworm$/m.test(readFileSync('/etc/os-release', 'utf8'));
const hasShellcheck = spawnSync('shellcheck', ['--version']).error === undefined;

it.skipIf(!isBookworm || !hasShellcheck)(
  "lint says nothing of Debian 12's packages that is not known to be true",
  () => {
    const { unknown, outdated } = lintCorpus();
    expect({ unknown, outdated }).toEqual({ unknown: [], outdated: [] });
  },
);
