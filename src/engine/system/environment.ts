import type { Environment } from '../settings.ts';

/** Environments of child processes: what they get of ours, and what we build for them. */

/** Names that the caller's environment must not carry into confs, scripts and builds. */
const denied = new Set([
  'CC',
  'CXX',
  'CFLAGS',
  'CXXFLAGS',
  'LDFLAGS',
  'MAKEFLAGS',
  'GNUMAKEFLAGS',
  'MAKEFILES',
  'MFLAGS',
  'MAKELEVEL',
  'BASH_ENV',
  'ENV',
  'CDPATH',
]);

/** The caller's environment for scripts, less what would change a build and the given names. */
export const scriptEnvironment = (own: Environment, alsoDenied: readonly string[]): Environment => ({
  ...Object.fromEntries(Object.entries(own).filter(([name]) => !denied.has(name) && !alsoDenied.includes(name))),
  PATH: pathOf(own),
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
});

/** The directories of the system's own programs. */
export const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** PATH with the system's own directories at its end: package managers start hooks with less. */
export const pathOf = (own: Environment): string => {
  const given = (own.PATH ?? '').split(':').filter(Boolean);
  const system = systemPath.split(':');
  return [...given, ...system.filter((directory) => !given.includes(directory))].join(':');
};

/** A small environment of our own for questions whose answers we read. */
export const probeEnvironment = (own: Environment): Environment => ({
  PATH: pathOf(own),
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
});
