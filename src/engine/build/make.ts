import { join } from 'node:path';
import { confScope, type ModuleConf } from '../conf/conf.ts';
import { type Failure, FailureError } from '../errors.ts';
import type { Exports } from '../kernel/symvers.ts';
import { llvmVariables } from '../kernel/toolchain.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Environment } from '../settings.ts';
import { installCommand } from '../system/install-command.ts';
import { jobserverDescriptor } from '../system/jobserver.ts';
import { quoteWord } from '../system/shell.ts';
import { stalledFailure, withinBuildLimit } from './build-limit.ts';
import { causeOf, followsFromInputs, isDiskFull, missingLibrary, missingTool, undefinedSymbols } from './cause.ts';
import type { Log } from './log.ts';
import { confinedIn, holdingLock, jobEnvironment } from './scripts.ts';
import { rustMismatch, toolchainMismatch, withMismatch } from './toolchain.ts';

/** What a build gets from one dependency. */
export interface DependencySymbols {
  readonly name: string;
  readonly version: string;
  /** Path of its Module.symvers. */
  readonly file: string;
  readonly exported: Exports;
}

/** Sets the conf's variables, then runs the line: dkms evals MAKE with them in scope. */
const runner = `
while [[ $1 != -- ]]; do printf -v "\${1%%=*}" %s "\${1#*=}"; shift; done
eval "$2"
`;

const startsWithMake = /^make(?=\s|$)/;

/**
 * The shell line that builds: a command that starts with `make` joins the run's jobserver and learns the release and
 * further variables, before its own words, which so have the last word; any other is left alone.
 */
export const makeLine = (
  make: string,
  release: string,
  jobserverPrefix: string,
  variables: Readonly<Record<string, string>> = {},
): string => {
  const all = Object.entries({ KERNELRELEASE: release, ...variables });
  const words = all.map(([name, value]) => ` ${name}=${quoteWord(value)}`).join('');
  return make.replace(startsWithMake, () => `${jobserverPrefix}${words}`);
};

const scopeWords = (run: Run, site: BuildSite, conf: ModuleConf): string[] => {
  const { settings } = run;
  const scope = confScope(site.kernel, site.facts.headers ?? '', settings, site.module, settings.variables);
  const scalars = Object.entries(scope).map(([name, value]) => `${name}=${value}`);
  return [...scalars, ...conf.variables.map(([name, value]) => `${name}=${value}`)];
};

interface Attempt {
  readonly line: string;
  readonly environment: Environment;
}

const attempt = async (
  run: Run,
  site: BuildSite,
  conf: ModuleConf,
  log: Log,
  { line, environment }: Attempt,
): Promise<number> => {
  const end = log.step('Building the module', line);
  const { descriptor } = run.jobserver;
  const directory = join(site.entry, 'build');
  const words = [...scopeWords(run, site, conf), '--', line];
  const ended = await withinBuildLimit(run.settings, log, (abort) =>
    run.processes.run({
      argv: confinedIn(run, site, directory, ['bash', '--norc', '--noprofile', '-c', runner, 'MAKE', ...words]),
      environment,
      directory,
      log: log.descriptor,
      abort,
      ...holdingLock(site, descriptor === undefined ? [] : [[jobserverDescriptor, descriptor]]),
    }),
  );
  end(ended.code);
  if (ended.timedOut) throw new FailureError(stalledFailure(run.settings, conf.make ?? 'make'));
  return ended.code;
};

/** Whether it failed only because the module's own Makefile hid the symbols that its dependencies export. */
const isMissingOnlyOurs = (logText: string, dependencies: readonly DependencySymbols[]): boolean => {
  const wanted = undefinedSymbols(logText);
  return wanted.length > 0 && wanted.some((symbol) => dependencies.some((one) => one.exported.has(symbol)));
};

/** What kbuild is told of clang; what the admin exports to builds counts more. */
const llvmFor = ({ facts, building }: BuildSite): Record<string, string> =>
  Object.fromEntries(Object.entries(llvmVariables(facts)).map(([name, value]) => [name, building?.[name] ?? value]));

/** What the log of a make says went wrong. */
const makeFailure = (
  run: Run,
  site: BuildSite,
  conf: ModuleConf,
  text: string,
  make: string,
  code: number,
): Failure => {
  const build = join(site.entry, 'build');
  const cause = causeOf(text, build);
  const { kind, detail, hint } = cause;
  if (kind === 'make-failed' && isDiskFull(build)) return { kind: 'disk-full', at: build, detail, code };
  const tool = kind === 'tool-missing' ? missingTool(detail) : undefined;
  const needed = tool ?? missingLibrary(detail);
  const install = needed === undefined ? undefined : installCommand(run.settings.distribution, needed);
  return {
    kind,
    at: tool ?? make,
    detail,
    code,
    ...(hint ? { hint } : {}),
    ...(followsFromInputs(cause, conf, site.confines !== undefined) ? { determined: true } : {}),
    ...(install === undefined ? {} : { install }),
  };
};

/**
 * Run MAKE in build/. Symbols of the dependencies go along in KBUILD_EXTRA_SYMBOLS (kernel documentation,
 * kbuild/modules.rst); if modpost still misses one of theirs, once more on the make command line.
 * Throws what the log says went wrong (FailureError).
 */
export const runMake = async (
  run: Run,
  site: BuildSite,
  conf: ModuleConf,
  dependencies: readonly DependencySymbols[],
  log: Log,
): Promise<void> => {
  const build = join(site.entry, 'build');
  const symbols = dependencies.map((one) => one.file).join(' ');
  const make = conf.make ?? `make -C ${quoteWord(site.facts.headers ?? '')} M=${quoteWord(build)}`;
  const { tellsKbuild } = await run.toolsOf(site.kernel);
  const variables = { ...llvmFor(site), ...(tellsKbuild === undefined ? {} : { CC: tellsKbuild }) };
  const environment = {
    ...jobEnvironment(run, site, true),
    ...(symbols ? { KBUILD_EXTRA_SYMBOLS: symbols } : {}),
  };
  const mismatch = await toolchainMismatch(run, site, conf, build);
  if (mismatch?.isCertain) {
    log.step('Looking for the compiler', make)(127);
    throw new FailureError(mismatch.failure);
  }
  const { release } = site.kernel;
  const line = makeLine(make, release, run.jobserver.prefix, variables);
  const before = log.size();
  let code = await attempt(run, site, conf, log, { line, environment });
  if (code !== 0 && startsWithMake.test(make) && isMissingOnlyOurs(log.since(before), dependencies)) {
    run.note({ note: 'symbols-retried', module: site.module });
    const again = makeLine(make, release, run.jobserver.prefix, { ...variables, KBUILD_EXTRA_SYMBOLS: symbols });
    code = await attempt(run, site, conf, log, { line: again, environment });
  }
  if (code === 0) return;
  const failure = makeFailure(run, site, conf, log.since(before), make, code);
  const rust = await rustMismatch(run, site, build);
  throw new FailureError(withMismatch(failure, rust ?? mismatch?.failure));
};
