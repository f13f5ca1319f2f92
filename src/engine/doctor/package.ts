import { join } from 'node:path';
import type { Diagnosis } from '../diagnoses.ts';
import { familyOf } from '../system/distribution.ts';
import type { Argv } from '../system/exec.ts';
import { exists } from '../system/files.ts';
import { isHook, packageRoot } from './hooks.ts';
import type { Check } from './view.ts';

/** Files of our own package, as the package manager that installed them compares them. */

/** How a package manager is asked, and what a line of its answer says of a file. */
interface Verifier {
  /** Where it keeps what it has installed, below the root: asked without one, rpm makes a new one. */
  readonly databases: readonly string[];
  readonly argv: (root: string) => Argv;
  /** Absolute below the root; undefined for a line that is about something else. */
  readonly fileIn: (line: string) => Changed | undefined;
}

interface Changed {
  readonly file: string;
  readonly isConffile: boolean;
}

/** `??5??????   c /etc/file`, `missing     /usr/file`: dpkg(1), --verify, has its format of rpm(8), VERIFY OPTIONS. */
export const inRpmFormat = (line: string): Changed | undefined => {
  const [, digest, mark, file] = /^(missing|..(?:5|\.|\?)\S*) +(?:([a-z]) +)?(\/.*)$/.exec(line) ?? [];
  if (file === undefined || (digest !== 'missing' && digest?.[2] !== '5')) return undefined;
  return { file: file.replace(/ \([^)]*\)$/, ''), isConffile: mark === 'c' };
};

/** `warning: kmodsort: /usr/file (SHA256 checksum mismatch)`, `backup file: kmodsort: /etc/file (…)`: pacman(8), -Qkk. */
export const inPacmanFormat = (line: string): Changed | undefined => {
  const [, kind, file] =
    /^(warning|backup file): kmodsort: (\/.*) \((?:Size mismatch|.*checksum mismatch|Missing file|No such file or directory)\)$/.exec(
      line,
    ) ?? [];
  return file === undefined ? undefined : { file, isConffile: kind === 'backup file' };
};

const dpkg: Verifier = {
  databases: ['var/lib/dpkg'],
  argv: (root) => ['dpkg', `--root=${root}`, '--verify-format', 'rpm', '--verify', 'kmodsort'],
  fileIn: inRpmFormat,
};
const rpm: Verifier = {
  databases: ['usr/lib/sysimage/rpm', 'var/lib/rpm', 'usr/share/rpm'],
  argv: (root) => ['rpm', '--root', root, '--verify', '--nodeps', 'kmodsort'],
  fileIn: inRpmFormat,
};
const pacman: Verifier = {
  databases: ['var/lib/pacman/local'],
  argv: (root) => ['pacman', '--sysroot', root, '-Qkk', 'kmodsort'],
  fileIn: inPacmanFormat,
};

const verifiers: Readonly<Partial<Record<string, Verifier>>> = {
  debian: dpkg,
  ubuntu: dpkg,
  arch: pacman,
  redhat: rpm,
  suse: rpm,
};

/** Settings are there to be changed, and manuals and completions need not be unpacked: dpkg.cfg(5), path-exclude. */
const isNoProgram = (file: string): boolean =>
  file.startsWith('/etc/dkms/') || (file.startsWith('/usr/share/') && !file.startsWith('/usr/share/libalpm/'));

const diagnosisOf = (root: string, check: string, { file, isConffile }: Changed): Diagnosis => ({
  code: isConffile ? 'conffile-changed' : 'package-changed',
  path: join(root, file),
  check,
});

export const checkPackage: Check = async (view) => {
  const root = packageRoot(view);
  const verifier = verifiers[familyOf(view.settings.distribution) ?? ''];
  if (root === undefined || verifier === undefined) return [];
  if (!verifier.databases.some((path) => exists(join(root, path)))) return [];
  const argv = verifier.argv(root);
  const { output, errors } = await view.run.processes.ask(argv, { limit: 60 });
  const changed = `${output}\n${errors}`.split('\n').flatMap((line) => verifier.fileIn(line) ?? []);
  // pacman has a line for each thing that differs; of a hook that is gone hook-missing tells.
  return [...new Map(changed.map((one) => [one.file, one])).values()]
    .filter(({ file }) => !isNoProgram(file) && (exists(join(root, file)) || !isHook(view, file)))
    .map((one) => ({ diagnosis: diagnosisOf(root, argv.join(' '), one) }));
};
