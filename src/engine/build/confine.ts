import { totalmem } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { asUser, type Confines, unshare } from '../run/confinement.ts';
import type { Argv } from '../system/exec.ts';
import { isDirectory, stat } from '../system/files.ts';
import { fstabLine, type Mount, mounts } from '../system/mounts.ts';
import { makeDirectory, makeTemporary, writeText } from '../system/publish.ts';

/**
 * What a confined command sees of the machine: all of it, read-only, but for its own directory and a /tmp of its own;
 * neither network nor other processes. Made of util-linux: unshare(1), mount(8), setpriv(1).
 */

/** The two tables of mounts: what comes into being, and what is then read-only. */
export interface MountTables {
  readonly made: string;
  readonly readOnly: string;
}

/** Everybody may write there; what is in them is nobody's business. */
export const temporaryDirectories = ['/tmp', '/var/tmp', '/dev/shm'];

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

const wayTo = (path: string): string[] => (dirname(path) === path ? [] : [...wayTo(dirname(path)), path]);

/** The first directory above a path that others than root and its group cannot enter. */
const closedAbove = (path: string): string | undefined =>
  wayTo(dirname(path)).find((directory) => ((stat(directory)?.mode ?? 0o001) & 0o001) === 0);

const byLength = (a: string, b: string): number => a.length - b.length;

/** Each once, and none below another. */
const outermost = (directories: readonly string[]): string[] => {
  const each = [...new Set(directories)];
  return each.filter((one) => !each.some((other) => isBelow(one, other)));
};

/** What is to be seen, the outer ones first. */
const seenBy = ({ visible, writable }: Confines): string[] => [...new Set([...visible, ...writable])].sort(byLength);

/** What is hidden in fact: also what root alone may enter, for what must be seen lies in it. */
const hiddenBy = (confines: Confines): string[] =>
  outermost([...confines.hidden.filter(isDirectory), ...seenBy(confines).flatMap((path) => closedAbove(path) ?? [])]);

/** File systems of the kernel's own, whose files are guarded by their owner, and those that may not be touched. */
const leftAlone =
  /^(proc|sysfs|cgroup2?|devtmpfs|devpts|mqueue|hugetlbfs|debugfs|tracefs|securityfs|pstore|bpf|configfs|efivarfs|binfmt_misc|nsfs|rpc_pipefs|autofs|fuse.*)$/;

const flagsOf = ({ options }: Mount): string[] => options.filter((option) => option !== 'rw' && option !== 'ro');

const mountOf = (path: string, known: readonly Mount[]): Mount | undefined =>
  known.findLast(({ point }) => point === path || point === '/' || isBelow(path, point));

/** So that a command which fills its /tmp takes no more than a part of the memory, bytes. */
const temporarySize = (): number => Math.min(Math.floor(totalmem() / 4), 1 << 30);

const tmpfs = (place: string, directory: string): string => {
  const options = temporaryDirectories.includes(directory)
    ? [`size=${temporarySize()}`, 'mode=1777']
    : ['size=1m', 'mode=755'];
  // Its name is its own: mount --all passes over what it thinks is mounted.
  return fstabLine(`kmodsort:${directory}`, place, 'tmpfs', [...options, 'nosuid', 'nodev']);
};

const bind = (from: string, to: string, ...options: string[]): string =>
  fstabLine(from, to, 'none', ['rbind', ...options]);

/** Each hidden directory is made anew at a place of its own, with what is to be seen in it, and then put in its place. */
const replacements = (confines: Confines, stage: string, hidden: readonly string[]): string => {
  const seen = seenBy(confines);
  const place = (index: number): string => join(stage, String(index));
  const made = hidden.flatMap((directory, index) => [
    tmpfs(place(index), directory),
    ...seen
      .filter((path) => isBelow(path, directory))
      .map((path) => bind(path, join(place(index), relative(directory, path)), 'X-mount.mkdir')),
  ]);
  // The places themselves may lie in one of them: that one comes last.
  const order = [...hidden.keys()].sort(
    (a, b) => Number(isBelow(stage, hidden[a] ?? '')) - Number(isBelow(stage, hidden[b] ?? '')),
  );
  return [...made, ...order.map((index) => bind(place(index), hidden[index] ?? ''))].join('');
};

const readOnlyLines = (confines: Confines, hidden: readonly string[], known: readonly Mount[]): string => {
  const isIn = (path: string, directories: readonly string[]): boolean =>
    directories.some((one) => path === one || isBelow(path, one));
  const lines = new Map<string, readonly string[]>();
  for (const mount of known) {
    const { point, type } = mount;
    if (!leftAlone.test(type) && !isIn(point, hidden) && !isIn(point, confines.writable))
      lines.set(point, flagsOf(mount));
  }
  const bound = seenBy(confines).filter((path) => isIn(path, hidden) && !isIn(path, confines.writable));
  for (const path of [...bound, ...confines.kept]) {
    const mount = mountOf(path, known);
    if (mount) lines.set(path, flagsOf(mount));
  }
  return [...lines].map(([point, flags]) => fstabLine(point, point, 'none', ['ro', ...flags])).join('');
};

/**
 * What has to be mounted for a command.
 *
 * @param stage a directory with an empty one for each hidden directory, named by their numbers
 */
export const mountTables = (confines: Confines, stage: string, known: readonly Mount[]): MountTables => {
  const hidden = hiddenBy(confines);
  const binds = confines.binds.map(([from, to]) => bind(from, to));
  return {
    made: [...binds, replacements(confines, stage, hidden)].join(''),
    readOnly: readOnlyLines(confines, hidden, known),
  };
};

/**
 * A mount that cannot be made read-only is guarded by its permissions still; one that cannot be made ends it. Then the
 * links that went with what is hidden.
 */
const setUp = `
mount -n -a -T "$1" || exit 125
mount -n -a -o remount,bind -T "$2" 2>/dev/null
cd "$3" || exit 125
links=$4
shift 4
while [ "$links" -gt 0 ]; do
  [ -e "$2" ] || { mkdir -p "\${2%/*}" && ln -s "$1" "$2"; } 2>/dev/null
  links=$((links - 1))
  shift 2
done
unset OLDPWD
"$@"
exit $?
`;

/**
 * The command that runs another one confined.
 *
 * @param scratch a private directory for the tables
 * @param directory where it runs
 */
export const confinedArgv = (confines: Confines, scratch: string, directory: string, argv: Argv): Argv => {
  const place = makeTemporary(scratch, 'confined-');
  const stage = join(place, 'stage');
  for (const index of hiddenBy(confines).keys()) makeDirectory(join(stage, String(index)));
  const tables = mountTables(confines, stage, mounts());
  const [made, readOnly] = [join(place, 'made'), join(place, 'read-only')];
  writeText(made, tables.made);
  writeText(readOnly, tables.readOnly);
  const { aliases, user } = confines;
  const words = [made, readOnly, directory, String(aliases.length), ...aliases.flat()];
  return [...unshare, 'sh', '-c', setUp, 'kmodsort', ...words, ...asUser(user), ...argv];
};
