import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { put } from '../temporary.ts';

/** The shell scripts of the hooks with a root of their own, and a program that does as a test says. */

const repository = resolve(import.meta.dirname, '../../..');

/** Where each script is in the repository, and below a root. */
const places: readonly (readonly [string, string])[] = [
  ...['guard', 'hook', 'queue.sh', 'required-check'].map((name) => [`hooks/shell/${name}`, `lib/${name}`] as const),
  ['hooks/dkms/dkms', 'sbin/dkms'],
  ['hooks/apt/postinst.d/00-kmodsort', 'etc/postinst.d/00-kmodsort'],
  ['hooks/apt/prerm.d/00-kmodsort', 'etc/prerm.d/00-kmodsort'],
  ['hooks/rpm/40-dkms.install', 'etc/40-dkms.install'],
  ['packaging/debian/postinst', 'info/postinst'],
];

/** Copy the scripts below a root, which takes the place of the machine's own. */
export const putScripts = (root: string): void => {
  for (const [from, to] of places) {
    const text = readFileSync(join(repository, from), 'utf8').replaceAll('/usr/lib/kmodsort', join(root, 'lib'));
    put(join(root, to), text.replaceAll(/\/(etc\/dkms|var\/lib\/kmodsort)/g, `${root}/$1`), 0o755);
  }
};

/** The program: what it does after it has written down its words; `--version` works unless it is told not to. */
export const putProgram = (root: string, does: string, version = 'exit 0'): void => {
  const told = `[ "$1" != --version ] || { ${version}; }\nprintf '%s\\n' "$@" > ${root}/words`;
  put(join(root, 'lib/kmodsort.mjs'), `#!/bin/sh\n${told}\n${does}\n`, 0o755);
  symlinkSync('kmodsort.mjs', join(root, 'lib/dkms'));
};

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run a script with a shell of its own. */
export const runScript = (
  root: string,
  name: string,
  words: readonly string[],
  { input = '', variables = {} }: { readonly input?: string; readonly variables?: Record<string, string> } = {},
): Said => {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...variables };
  const { status, stdout, stderr } = spawnSync(join(root, name), words, { encoding: 'utf8', input, env });
  return { status, stdout, stderr };
};

/** What waits in the queue. */
export const queued = (root: string, state = join(root, 'var/lib/kmodsort')): string[] => {
  const names = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => /queue\/[^/]+$/.test(name));
  return names.map((name) => readFileSync(join(state, name), 'utf8'));
};
