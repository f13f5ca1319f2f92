import { basename, dirname, join, resolve } from 'node:path';
import { type Failure, FailureError, isFailureError } from '../errors.ts';
import { type Finding, severityOf } from '../findings.ts';
import type { LintOperand } from '../request.ts';
import type { Run } from '../run/run.ts';
import { byBytes, exists, isDirectory } from '../system/files.ts';
import { makeTemporary } from '../system/publish.ts';
import { dependencyRules } from './dependencies.ts';
import { directiveRules } from './directives.ts';
import { identityRules } from './identity.ts';
import { jobRules } from './jobs.ts';
import { objectRules } from './objects.ts';
import { isPackage, openPackage, packagingIn } from './packaging.ts';
import { permissionRules } from './permissions.ts';
import { reachRules } from './reach.ts';
import { readSource } from './read-source.ts';
import { runningKernelRules } from './running-kernel.ts';
import { packagingFindings } from './scriptlets.ts';
import { askShellcheck } from './shellcheck.ts';
import type { SourceRule } from './source.ts';

/** What authors of module packages should know before others do. Changes nothing. */

const sourceRules: readonly SourceRule[] = [
  ...identityRules,
  ...directiveRules,
  ...runningKernelRules,
  ...jobRules,
  ...objectRules,
  ...dependencyRules,
  ...reachRules,
  ...permissionRules,
];

/** What was looked at, and what was found. */
export interface Linted {
  readonly findings: readonly Finding[];
  readonly sources: number;
  readonly packages: number;
  /** What could not be read. */
  readonly failures: readonly Failure[];
  readonly hasShellcheck: boolean;
}

const nothing: Linted = { findings: [], sources: 0, packages: 0, failures: [], hasShellcheck: true };

const merged = (all: readonly Linted[]): Linted =>
  all.reduce(
    (sum, one) => ({
      findings: [...sum.findings, ...one.findings],
      sources: sum.sources + one.sources,
      packages: sum.packages + one.packages,
      failures: [...sum.failures, ...one.failures],
      hasShellcheck: sum.hasShellcheck && one.hasShellcheck,
    }),
    nothing,
  );

const lintSource = async (
  run: Run,
  directory: string,
  isInSourceTree: boolean,
  shown: (path: string) => string,
): Promise<Linted> => {
  const { source, findings } = await readSource(run, directory, { isInSourceTree, shown });
  const checked = await askShellcheck(run, source);
  const found = [...findings, ...sourceRules.flatMap((rule) => rule(source)), ...(checked ?? [])];
  return { ...nothing, findings: found, sources: 1, hasShellcheck: checked !== undefined };
};

const lintPackage = async (run: Run, path: string, typed: string): Promise<Linted> => {
  const { packaging, root, sources } = await openPackage(run, path, typed, makeTemporary(run.scratch, 'package-'));
  const inside = await Promise.all(
    sources.map((name) =>
      lintSource(run, join(root, 'usr/src', name), true, (file) => `${typed}:${join('/usr/src', name, file)}`),
    ),
  );
  return merged([{ ...nothing, packages: 1, findings: packagingFindings(packaging) }, ...inside]);
};

const lintPath = async (run: Run, { typed, path }: LintOperand): Promise<Linted> => {
  if (!exists(path)) throw new FailureError({ kind: 'source-missing', at: typed });
  if (!isDirectory(path) && isPackage(path)) return lintPackage(run, path, typed);
  const isConf = basename(path) === 'dkms.conf';
  const directory = isConf ? dirname(path) : path;
  const top = isConf ? dirname(typed) : typed;
  const shown = (file: string): string => join(top, file);
  const packagings = isConf ? [] : packagingIn(path, shown);
  const isSource = isDirectory(directory) && exists(join(directory, 'dkms.conf'));
  if (!isSource && packagings.length === 0) throw new FailureError({ kind: 'no-conf-here', at: typed });
  const isInSourceTree = dirname(resolve(directory)) === run.settings.sourceTree;
  const inside = isSource ? [await lintSource(run, directory, isInSourceTree, shown)] : [];
  const outside = packagings.map((one) => ({ ...nothing, packages: 1, findings: packagingFindings(one) }));
  return merged([...inside, ...outside]);
};

/** What makes two findings of one line different. */
const subjectOf = (finding: Finding): string => {
  if ('number' in finding) return String(finding.number);
  return 'object' in finding ? finding.object : '';
};

const keyOf = (finding: Finding): string => [finding.file, finding.line, finding.rule, subjectOf(finding)].join('\0');

/** By file and line, each once: the first that a rule says of a line. */
const inOrder = (findings: readonly Finding[]): Finding[] => {
  const each = new Map([...findings].reverse().map((finding) => [keyOf(finding), finding]));
  return [...each.values()].sort(
    (a, b) =>
      byBytes(a.file, b.file) || a.line - b.line || byBytes(severityOf(a), severityOf(b)) || byBytes(a.rule, b.rule),
  );
};

/** Look at sources and packages, each on its own: what cannot be read is a failure of that one. */
export const lintAll = async (run: Run, operands: readonly LintOperand[]): Promise<Linted> => {
  const all: Linted[] = [];
  for (const operand of operands) {
    const one = await lintPath(run, operand).catch((error: unknown): Linted => {
      if (!isFailureError(error)) throw error;
      return { ...nothing, failures: [error.failure] };
    });
    all.push({ ...one, findings: inOrder(one.findings) });
  }
  return merged(all);
};
