import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './kernels.ts';
import { type Verdict, verdicts } from './lint-verdicts.ts';
import { download, modulePackageNames } from './module-packages.ts';

/** `kmodsort lint` over every module package of Debian main, and what was made of what it says. */

interface Found {
  readonly packageName: string;
  readonly rule: string;
  readonly reason: string;
  readonly place: string;
}

const place = join(repository, '.cache', 'module-packages');

/** The file of a package, downloaded once. */
const packageFile = (name: string): string => {
  const isIts = (file: string): boolean => file.startsWith(`${name}_`);
  mkdirSync(place, { recursive: true });
  if (!readdirSync(place).some(isIts)) {
    const work = mkdtempSync(join(place, '.tmp-'));
    download(name, work);
    for (const file of readdirSync(work)) renameSync(join(work, file), join(place, file));
    rmSync(work, { recursive: true });
  }
  return join(place, readdirSync(place).find(isIts) ?? name);
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const lint = (packageName: string): Found[] => {
  const file = packageFile(packageName);
  const argv = [join(repository, 'dist/kmodsort.mjs'), 'lint', '--json', file];
  const { stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const answer: unknown = JSON.parse(stdout);
  if (!isObject(answer) || !Array.isArray(answer.findings) || !Array.isArray(answer.failures))
    throw new Error(`${file}: no answer of lint`);
  if (answer.failures.length > 0) throw new Error(`${file}: ${JSON.stringify(answer.failures)}`);
  return answer.findings.filter(isObject).map(({ rule, reason, file: where, line }) => ({
    packageName,
    rule: String(rule),
    reason: String(reason),
    place: `${String(where).replace(`${file}:`, '')}:${line}`,
  }));
};

const isMeant = ({ rule, says, packages }: Verdict, found: Found): boolean =>
  found.rule === rule && found.reason.includes(says) && packages.includes(found.packageName);

const rowOf = (verdict: Verdict, found: readonly Found[]): string => {
  const count = found.filter((one) => isMeant(verdict, one)).length;
  const names = verdict.packages.join(', ');
  return `| [${verdict.rule}](#${verdict.rule}) | ${verdict.says} | ${count} | ${names} | ${verdict.verdict} |`;
};

const table = (found: readonly Found[], packages: number): string => {
  const silent = packages - new Set(found.map(({ packageName }) => packageName)).size;
  return [
    `${found.length} findings in ${packages - silent} of ${packages} packages; nothing is said of the other ${silent}.`,
    '',
    '| rule | it says | times | packages | verdict |',
    '| --- | --- | --- | --- | --- |',
    ...verdicts.map((verdict) => rowOf(verdict, found)),
  ].join('\n');
};

/** What came of it. */
export interface Corpus {
  /** In Markdown. */
  readonly table: string;
  /** Said, and looked at by nobody. */
  readonly unknown: readonly string[];
  /** Looked at, and not said any more. */
  readonly outdated: readonly string[];
}

/** Lint all of them; the packages are fetched once. */
export const lintCorpus = (): Corpus => {
  const names = modulePackageNames();
  const found = names.flatMap(lint);
  const unknown = found.filter((one) => !verdicts.some((verdict) => isMeant(verdict, one)));
  const outdated = verdicts.flatMap((verdict) =>
    verdict.packages
      .filter((name) => !found.some((one) => one.packageName === name && isMeant(verdict, one)))
      .map((name) => `${name}: ${verdict.rule}: ${verdict.says}`),
  );
  return {
    table: table(found, names.length),
    unknown: unknown.map(
      ({ packageName, rule, reason, place: where }) => `${packageName} ${where}: ${rule}: ${reason}`,
    ),
    outdated,
  };
};
