import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../temporary.ts';
import { putProgram, putScripts, queued, runScript } from './shell.ts';

/** What package managers run themselves ends well, whatever becomes of the program, and nothing of it is lost. */

describe('a script of the package manager whose program is killed', () => {
  it.each([
    ['etc/postinst.d/00-kmodsort', ['6.1.0', '/boot/vmlinuz-6.1.0'], 'apt\npostinst\n6.1.0\n/boot/vmlinuz-6.1.0\n\n'],
    ['etc/prerm.d/00-kmodsort', ['6.1.0'], 'apt\nprerm\n6.1.0\n\n'],
    ['info/postinst', ['triggered', '/usr/src'], 'apt\ntrigger\n\n'],
    ['etc/40-dkms.install', ['add', '6.1.0', '/boot/entry'], 'rpm\nadd\n6.1.0\n/boot/entry\n\n'],
  ])('%s %j', (name, words, entry) => {
    const root = temporaryDirectory();
    putScripts(root);
    putProgram(root, 'kill -9 $$');
    mkdirSync(join(root, 'var/lib/kmodsort'), { recursive: true });
    expect(runScript(root, name, words)).toMatchObject({ status: 0, stdout: '' });
    expect(queued(root)).toEqual([entry]);
  });
});
