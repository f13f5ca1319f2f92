import { join } from 'node:path';
import type { Environment } from '../settings.ts';
import { pathOf } from '../system/environment.ts';
import type { Processes } from '../system/exec.ts';
import { exists } from '../system/files.ts';
import { makeDirectory, writeText } from '../system/publish.ts';
import { quoteWord } from '../system/shell.ts';
import { findCommand } from './kernel.ts';

/**
 * A `uname` that answers for the kernel that is built for. Makefiles and configure scripts in the field
 * ask `uname -r`; without this they build for the running kernel. It alters -r and the release in -a only.
 */

const script = (real: string, release: string): string => `#!/bin/sh
# Answers for the kernel that modules are being built for.
real=${quoteWord(real)}
release=${quoteWord(release)}
fields=
[ $# -gt 0 ] || exec "$real"
for word; do
  case $word in
    --all) fields="$fields a" ;;
    --kernel-release) fields="$fields r" ;;
    --kernel-name | --sysname) fields="$fields s" ;;
    --nodename) fields="$fields n" ;;
    --kernel-version) fields="$fields v" ;;
    --machine) fields="$fields m" ;;
    --processor) fields="$fields p" ;;
    --hardware-platform) fields="$fields i" ;;
    --operating-system) fields="$fields o" ;;
    --*) exec "$real" "$@" ;;
    -*) fields="$fields \${word#-}" ;;
    *) exec "$real" "$@" ;;
  esac
done
case $fields in
  *a*) echo "$("$real" -sn) $release $("$real" -vmo)"; exit ;;
  *r*) ;;
  *) exec "$real" "$@" ;;
esac
line=
for field in s n r v m p i o; do
  case $fields in *$field*) ;; *) continue ;; esac
  if [ $field = r ]; then value=$release; else value=$("$real" -$field) || exit; fi
  line="$line\${line:+ }$value"
done
echo "$line"
`;

/**
 * Make the program for one release below a private directory.
 *
 * @returns the directory to put first on PATH
 */
export const makeUname = (directory: string, release: string, path: string): string => {
  const own = join(directory, release);
  if (exists(join(own, 'uname'))) return own;
  makeDirectory(own);
  writeText(join(own, 'uname'), script(findCommand('uname', path) ?? '/bin/uname', release), 0o755);
  return own;
};

const probed = 'kmodsort-probe';

/**
 * Ask a `uname` of ours below a directory. Where the file system is mounted noexec, a shell goes on to the real one
 * without a word, and everything would be built for the kernel that runs.
 *
 * @param own the caller's environment
 * @returns why it is not believed; undefined if it is
 */
export const whyUnameFails = async (
  directory: string,
  own: Environment,
  processes: Processes,
): Promise<string | undefined> => {
  const path = pathOf(own);
  const variables = { PATH: `${makeUname(directory, probed, path)}:${path}` };
  const ended = await processes.ask(['sh', '-c', 'uname -r'], { variables, limit: 10 });
  if (ended.output.trim() === probed) return undefined;
  return ended.problem || `uname -r: ${ended.output.trim()}`;
};
