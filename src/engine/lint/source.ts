import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import type { RawConf } from '../conf/directives.ts';
import type { Finding } from '../findings.ts';
import { readText, realPath, stat } from '../system/files.ts';
import type { BuildPlaces } from './make-call.ts';
import type { BuildSteps } from './steps.ts';

/** A source directory that is looked at, with all that was read of it, and what its build runs. */
export interface LintSource extends BuildSteps {
  /** Absolute path. */
  readonly directory: string;
  /** The last part of its path, as the user or the package names it. */
  readonly name: string;
  /** Whether it lies where sources lie on a machine: `/usr/src/<name>-<version>`. */
  readonly isInSourceTree: boolean;
  /** How a file of it is shown. */
  readonly shown: (path: string) => string;
  /** Lines of dkms.conf. */
  readonly confLines: readonly string[];
  /** As bash read it; missing where it cannot or must not be read. */
  readonly raw?: RawConf;
  /** The same with its defaults; missing where something is wrong with it. */
  readonly conf?: ModuleConf;
  /** A placeholder stands for its version until a package is made. */
  readonly isTemplate: boolean;
  /** Text files of the source, as paths in it. */
  readonly files: readonly string[];
  readonly places: BuildPlaces;
  /** The release that it was read for. */
  readonly release: string;
}

/** A rule looks at a source and says what it finds. */
export type SourceRule = (source: LintSource) => readonly Finding[];

/** Files that are larger were written by no hand. */
const largest = 4 << 20;

/** A link may lead to anything that root can read. */
const leavesSource = (directory: string, path: string): boolean =>
  !(realPath(join(directory, path)) ?? '').startsWith(`${realPath(directory)}/`);

/** The text of a file of the source; undefined for none, for what is no text, and for what a link leads out to. */
export const textIn = (directory: string, path: string): string | undefined => {
  const facts = stat(join(directory, path));
  if (facts?.kind !== 'file' || facts.size > largest || leavesSource(directory, path)) return undefined;
  const text = readText(join(directory, path));
  return text === undefined || text.includes('\0') ? undefined : text;
};

/** The line of dkms.conf that sets a directive, from 1; the first if none does. */
export const confLine = ({ confLines }: Pick<LintSource, 'confLines'>, directive: string, index?: number): number => {
  const at =
    index === undefined ? String.raw`(?:\[[^\]]*\])?` : index === 0 ? String.raw`(?:\[0\])?` : `\\[${index}\\]`;
  const own = new RegExp(String.raw`(?:^|[;\s])${directive}${at}\+?=`);
  const found = confLines.findIndex((line) => !/^\s*#/.test(line) && own.test(line));
  return found < 0 ? (index === undefined ? 1 : confLine({ confLines }, directive)) : found + 1;
};
