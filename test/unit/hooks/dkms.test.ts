import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../temporary.ts';
import { putProgram, putScripts, queued, runScript, type Said } from './shell.ts';

/** dkms as the scripts of module packages call it. */

const dkms = (does: string, script: string, version?: string): Said & { readonly waits: readonly string[] } => {
  const root = temporaryDirectory();
  putScripts(root);
  putProgram(root, does, version);
  mkdirSync(join(root, 'var/lib/kmodsort'), { recursive: true });
  const words = ['remove', '-m', 'zfs', '-v', '2.1', '--all'];
  const ended = runScript(root, 'sbin/dkms', words, { variables: { DPKG_MAINTSCRIPT_NAME: script } });
  return { ...ended, waits: queued(root) };
};

describe('dkms in a script of a package', () => {
  it.each([
    ['exit 0', 0],
    ['exit 77', 77],
    ['exit 127', 127],
    ['exit 143', 143],
  ])('ends as the program does: %s', (does, status) => {
    expect(dkms(does, 'prerm')).toEqual({ status, stdout: '', stderr: '', waits: [] });
  });
  it.each(['kill -9 $$', 'kill -ABRT $$', 'exit 70'])('ends well where the program is lost: %s', (does) => {
    expect(dkms(does, 'prerm')).toMatchObject({ status: 0, waits: ['apt\nsource\nzfs\n2.1\n\n'] });
  });
  it('ends well where it cannot start', () => {
    expect(dkms('exit 0', 'postinst', 'exit 1')).toMatchObject({ status: 0, waits: ['apt\nsource\nzfs\n2.1\n\n'] });
  });
  it('hides nothing from a person', () => {
    expect(dkms('kill -9 $$', '').status).not.toBe(0);
  });
});
