import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isPackageSetup, isPackageUpgrade, isScriptlet } from '../../../src/adapters/maintainer-script.ts';
import { put, temporaryDirectory } from '../temporary.ts';

/** Real processes that are called as scripts of packages are. */

const directory = temporaryDirectory();

/** A script of that name, started by a shell of another name, runs a command that waits; the number of its process. */
const started = async (manager: string, script: string, ...words: readonly string[]) => {
  const shell = join(directory, manager);
  if (!existsSync(shell)) symlinkSync('/bin/sh', shell);
  const path = put(join(directory, script), '#!/bin/sh\n/bin/sh -c "echo \\$\\$; read line; true" sh rpm\n', 0o755);
  const child = spawn(shell, ['-c', '"$0" "$@"; true', path, ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  return { pid: Number(String(said)), end: () => child.stdin.end() };
};

describe('who started us', () => {
  it.each<readonly [string, string, readonly string[], boolean, boolean]>([
    ['sh', 'foo.prerm', ['upgrade', '2.0'], true, false],
    ['sh', 'foo.prerm', ['remove'], false, false],
    ['sh', 'foo.postinst', ['configure'], false, false],
    ['sh', 'foo.prerm.old', ['upgrade'], false, false],
    ['rpm', 'rpm-tmp.abc', ['1'], false, true],
    ['dnf', 'scriptlet', [], false, true],
    ['bash', 'scriptlet', [], false, false],
    ['rpmbuild', 'scriptlet', [], false, false],
  ])('%s with %s %s', async (outer, inner, words, isUpgrade, isOfRpm) => {
    const { pid, end } = await started(outer, inner, ...words);
    try {
      expect(isPackageUpgrade({ DPKG_MAINTSCRIPT_NAME: 'prerm' }, pid)).toBe(isUpgrade);
      expect(isPackageUpgrade({}, pid)).toBe(false);
      expect(isScriptlet({}, pid)).toBe(isOfRpm);
      expect(isScriptlet({ DPKG_MAINTSCRIPT_NAME: 'prerm' }, pid)).toBe(true);
    } finally {
      end();
    }
  });
  it('may be gone', () => {
    expect(isPackageUpgrade({ DPKG_MAINTSCRIPT_NAME: 'prerm' }, 0)).toBe(false);
    expect(isScriptlet({}, 0)).toBe(false);
  });
  it.each([
    [{ DPKG_MAINTSCRIPT_NAME: 'postinst' }, true],
    [{ DPKG_MAINTSCRIPT_NAME: 'prerm' }, false],
    [{}, false],
  ])('says by %j whether a package is set up', (environment, isSetup) => {
    expect(isPackageSetup(environment)).toBe(isSetup);
  });
});
