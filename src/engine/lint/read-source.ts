import { basename, join, normalize } from 'node:path';
import { confOf, confScope } from '../conf/conf.ts';
import { type RawConf, scriptNames } from '../conf/directives.ts';
import { readConfs } from '../conf/reader.ts';
import { first, inOrder, valuesOf } from '../conf/values.ts';
import type { Finding } from '../findings.ts';
import { machineArch, runningKernel } from '../kernel/kernel.ts';
import type { Problem } from '../problems.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { readDirectory, walk } from '../system/files.ts';
import { staysBelow } from '../system/names.ts';
import { quoteWord } from '../system/shell.ts';
import { isWorldWritable } from '../system/trust.ts';
import { confLine, type LintSource, textIn } from './source.ts';
import { buildSteps, type Start, scriptStart } from './steps.ts';

/** A source directory, read: its conf by bash, the rest as text. */

/** A kernel to read the conf for: the running one, or any that has headers. */
const kernelFor = (run: Run): Kernel => {
  const releases = [runningKernel(), ...readDirectory(run.settings.installTree)];
  const arch = machineArch();
  const release = releases.find((one) => run.factsOf({ release: one, arch }).headers !== undefined);
  return { release: release ?? runningKernel(), arch };
};

type ConfRead = Pick<LintSource, 'raw' | 'conf' | 'isTemplate'> & { readonly problems: readonly Problem[] };

/** What something that makes the package puts there: `@VERSION@`, `#MODULE_VERSION#`. */
const isPlaceholder = (value: string): boolean => /^([@#%])[A-Z_]+\1$/.test(value);

const readRaw = async (run: Run, path: string, kernel: Kernel, headers: string, directives: readonly string[]) => {
  const scope = confScope(kernel, headers, run.settings, undefined, run.settings.variables);
  const [reading] = await readConfs(run, [{ files: [path], release: kernel.release, scope, directives }]);
  return reading;
};

const readConf = async (
  run: Run,
  directory: string,
  kernel: Kernel,
  headers: string,
  mayBeTemplate: boolean,
): Promise<ConfRead> => {
  const path = join(directory, 'dkms.conf');
  if (isWorldWritable(path)) return { isTemplate: false, problems: [] };
  const asIs = await readRaw(run, path, kernel, headers, []);
  const isTemplate = mayBeTemplate && asIs?.kind === 'read' && isPlaceholder(first(asIs.raw, 'PACKAGE_VERSION'));
  const reading = isTemplate ? await readRaw(run, path, kernel, headers, ['PACKAGE_VERSION=0']) : asIs;
  if (reading?.kind !== 'read')
    return {
      isTemplate,
      problems: [{ problem: 'said', text: reading?.failure.detail ?? 'bash cannot read the file' }],
    };
  const result = confOf(reading.raw, undefined, run.factsOf(kernel));
  if ('conf' in result) return { raw: reading.raw, conf: result.conf, isTemplate, problems: [] };
  const { problem, more = [], detail } = result.invalid;
  const said: Problem[] = detail === undefined ? [] : [{ problem: 'said', text: detail }];
  return { raw: reading.raw, isTemplate, problems: [...(problem ? [problem] : said), ...more] };
};

/** What finds the running kernel in a conf was evaluated by bash already: its own lines tell. */
const noOrigin = () => undefined;

const makesOf = (source: Pick<LintSource, 'confLines'>, raw: RawConf, headers: string, build: string): Start[] => {
  const said = inOrder(valuesOf(raw, 'MAKE'));
  const usual = `make -C ${quoteWord(headers)} M=${quoteWord(build)}`;
  const lines: [number, string][] = said.length > 0 ? said : [[0, usual]];
  return lines.map(([index, text]) => ({
    text,
    file: 'dkms.conf',
    line: confLine(source, 'MAKE', index),
    directive: 'MAKE',
    originOf: noOrigin,
  }));
};

const scriptsOf = (directory: string, raw: RawConf): Start[] =>
  scriptNames.flatMap((directive) => {
    const [file = ''] = first(raw, directive).split(/\s+/).filter(Boolean);
    const text = file !== '' && staysBelow(file) ? textIn(directory, file) : undefined;
    return text === undefined ? [] : scriptStart(normalize(file), text, directive);
  });

/** How a source is called. */
interface Named {
  readonly isInSourceTree: boolean;
  readonly shown: (path: string) => string;
}

/** Read a source; what is wrong with its conf comes as findings. */
export const readSource = async (
  run: Run,
  directory: string,
  named: Named,
): Promise<{ readonly source: LintSource; readonly findings: readonly Finding[] }> => {
  const kernel = kernelFor(run);
  const headers = run.factsOf(kernel).headers ?? join(run.settings.installTree, kernel.release, 'build');
  const { problems, ...read } = await readConf(run, directory, kernel, headers, !named.isInSourceTree);
  const confLines = (textIn(directory, 'dkms.conf') ?? '').split('\n');
  const module = read.raw ? `${first(read.raw, 'PACKAGE_NAME')}/${first(read.raw, 'PACKAGE_VERSION')}` : '';
  const build = join(run.settings.dkmsTree, module, 'build');
  const places = { build: [build, join('/var/lib/dkms', module, 'build')], headers: [headers] };
  const followed = { read: (path: string) => textIn(directory, path), places, release: kernel.release };
  const makes = read.raw ? makesOf({ confLines }, read.raw, headers, build) : [];
  const { steps, kbuild } = buildSteps(followed, makes, read.raw ? scriptsOf(directory, read.raw) : []);
  const source: LintSource = {
    directory,
    name: basename(directory),
    ...named,
    ...read,
    confLines,
    files: walk(directory).filter((path) => !/(?:^|\/)\.git\//.test(path)),
    places,
    release: kernel.release,
    steps,
    kbuild,
  };
  const findings = problems.map(
    (problem): Finding => ({
      rule: 'conf-invalid',
      file: named.shown('dkms.conf'),
      line: 'directive' in problem ? confLine(source, problem.directive.replace(/\[.*/, '')) : 1,
      problem,
    }),
  );
  return { source, findings };
};
