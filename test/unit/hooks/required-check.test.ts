import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryDirectory } from '../temporary.ts';
import { putScripts, runScript, type Said } from './shell.ts';

/** What apt ends with after its last package. */

const check = (texts: Readonly<Record<string, string>>): { said: Said; again: Said; root: string } => {
  const root = temporaryDirectory();
  putScripts(root);
  for (const [path, text] of Object.entries(texts)) put(join(root, 'var/lib/kmodsort', path), text);
  const run = (): Said => runScript(root, 'lib/required-check', []);
  return { said: run(), again: run(), root };
};

describe('the end of an apt run', () => {
  it.each<[string, Readonly<Record<string, string>>, number, string]>([
    ['nothing was said', {}, 0, ''],
    ['a module failed', { 'failed/6.1': 'one\n', 'failed/6.2': 'two\n' }, 0, 'one\ntwo\n'],
    ['a required one is missing', { 'required/6.1': 'do not reboot\n' }, 1, 'do not reboot\n'],
    ['both', { 'failed/6.1': 'one\n', 'required/6.2': 'two\n' }, 1, 'one\ntwo\n'],
  ])('%s', (_title, texts, status, stderr) => {
    const { said, again, root } = check(texts);
    expect(said).toEqual({ status, stdout: '', stderr });
    // It is said once.
    expect(again).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(Object.keys(texts).filter((path) => existsSync(join(root, 'var/lib/kmodsort', path)))).toEqual([]);
  });
});
