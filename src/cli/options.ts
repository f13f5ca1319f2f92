import { resolve } from 'node:path';
import { type Module, moduleLabel, type Request } from '../engine/request.ts';
import type { Overrides } from '../engine/settings.ts';
import { isCleanName } from '../engine/system/names.ts';
import { quoteWord } from '../engine/system/shell.ts';
import { ciSystems } from './ci-jobs.ts';
import { placeOptions, placeSettings } from './place-options.ts';
import { UsageError } from './usage.ts';

const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const;

/** Options of every command. */
export const everywhere = {
  ...placeOptions,
  jobs: {
    alias: 'j',
    type: 'string',
    requiresArg: true,
    describe: 'Number of parallel jobs for the whole run; 0: no limit',
  },
  'dry-run': flag('Show what would be done and change nothing'),
  json: flag('Print one JSON document on stdout; messages go to stderr'),
  verbose: flag('Verbose output'),
  'no-color': flag('No colours at a terminal, as with NO_COLOR in the environment'),
} as const;

/** Options of the commands that can be kept to some kernels. */
export const kernels = {
  kernel: {
    alias: ['k', 'kernelver'],
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'The kernel release; can be repeated',
  },
} as const;

/** Only `try` has these. */
export const coming = {
  next: flag('Try what the package manager would install next'),
  packages: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'A package file that would be installed (.deb, .rpm, .pkg.tar.*); can be repeated',
  },
} as const;

/** Only `matrix` has these. */
export const grid = {
  kernels: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'A package of headers, a directory of headers, or a kernel release; can be repeated',
  },
  'kernels-from': {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'A directory with packages of headers, or with directories of headers; can be repeated',
  },
  print: {
    type: 'string',
    choices: ciSystems,
    requiresArg: true,
    describe: 'Build nothing, and print the jobs of a CI system that do',
  },
  on: {
    type: 'string',
    choices: ['local', 'slurm'] as const,
    default: 'local' as const,
    requiresArg: true,
    describe: 'Build on this machine, or on those of a Slurm cluster; -j is then the cores of each job',
  },
  html: { type: 'string', requiresArg: true, describe: 'Write the matrix to this file, too, as a page' },
} as const;

/** Only `produce` has these. */
export const inputs = {
  source: {
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'A source in the registry, NAME/VERSION@HASH: of the module, and of each that it needs',
  },
  headers: { type: 'string', requiresArg: true, describe: 'The HASH of the headers of the kernel in the registry' },
  ticket: { type: 'string', requiresArg: true, describe: 'Leave the result in the registry, under this word' },
} as const;

/** Only `pack` has these. */
export const packing = {
  deb: flag('Packages for dpkg and apt'),
  rpm: flag('Packages for rpm and dnf'),
  pacman: flag('Packages for pacman'),
  output: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: 'The directory that gets the packages; the current one if none is given',
  },
} as const;

/** Only `status` has this. */
export const failed = { failed: flag('Only what failed, what waits for that, and what is broken') } as const;

/** Only `plan` has this. */
export const dot = { dot: flag('Print the plan as a graph in the dot language') } as const;

/** Only `doctor` has this. */
export const repairs = { fix: flag('Repair what can be repaired safely') } as const;

/** Only `boot-guard` has this. */
export const undoing = { undo: flag('Hold nothing back any more, whatever boot_guard says') } as const;

/** Every long name, for suggestions. */
export const optionNames: readonly string[] = [
  ...Object.keys(everywhere),
  ...Object.keys(kernels),
  ...Object.keys(dot),
  ...Object.keys(failed),
  ...Object.keys(repairs),
  ...Object.keys(coming),
  ...Object.keys(grid),
  ...Object.keys(undoing),
  ...Object.keys(packing),
  ...Object.keys(inputs),
  'kernelver',
  'help',
  'version',
];

/** The number of `-j`, checked. */
export const jobsOf = (text: string | undefined): Pick<Overrides, 'jobs'> => {
  if (text === undefined) return {};
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`--jobs requires a whole number, not '${text}'`);
  return { jobs: Number(text) };
};

/** What the command line says over the settings files; paths are made absolute. */
export const overridesOf = (given: Readonly<Record<string, unknown>>, cwd: string): Overrides => {
  // An option of one value that was given twice comes as a list: the last one counts.
  const text = (option: string): string | undefined => {
    const value = given[option];
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    return typeof last === 'string' ? last : undefined;
  };
  const named = placeSettings.flatMap(([option, key]) => {
    const value = text(option);
    if (value === '') throw new UsageError(`--${option} requires a value`);
    return value === undefined ? [] : [[key, resolve(cwd, value)] as const];
  });
  return { ...Object.fromEntries(named), ...jobsOf(text('jobs')) };
};

/** The kernels of `-k`, checked. */
export const releasesOf = (releases: readonly string[] | undefined): string[] => {
  const odd = releases?.find((release) => !isCleanName(release));
  if (odd !== undefined) throw new UsageError(`invalid kernel release '${odd}'`);
  return [...new Set(releases)];
};

/**
 * The command that tries one kernel again, with the places that this run was given.
 *
 * @param asked what this run was asked for
 * @param forced the one module that it builds, although nothing has changed since it failed
 */
export const retryCommand = (
  asked: Request['verb'],
  overrides: Overrides,
  release: string,
  forced?: Module,
): string => {
  const given = placeSettings.flatMap(([option, key]) => {
    const value = overrides[key];
    return value === undefined ? [] : [`--${option}`, quoteWord(value)];
  });
  const again = forced ? `dkms install ${quoteWord(moduleLabel(forced))} --force` : 'kmodsort sync';
  const verb = asked === 'try' ? 'kmodsort try' : again;
  return [verb, '-k', quoteWord(release), ...given].join(' ');
};
