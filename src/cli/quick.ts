import { type ParseArgsConfig, parseArgs } from 'node:util';
import { actionOf, invocationOf, versionInvocation } from './dkms-invocation.ts';
import type { CliContext } from './dkms-operands.ts';
import { dkmsOptions, type Given } from './dkms-options.ts';
import type { Invocation } from './invocation.ts';
import { type Chosen, hookRun, statusTask } from './kmodsort-tasks.ts';
import { everywhere, overridesOf } from './options.ts';
import { placeOptions } from './place-options.ts';
import { UsageError } from './usage.ts';

/**
 * Command lines that are asked all day (`dkms status -k K`, `kmodsort hook run apt trigger`), read by what Node brings:
 * loading the parser takes longer than the answer. Only lines in which every word is plain; of any other, also of a
 * wrong one, the parser has more to say.
 */

interface Option {
  readonly type: 'string' | 'boolean';
  readonly alias?: string;
  readonly array?: true;
}

type Config = NonNullable<ParseArgsConfig['options']>;

const configOf = (options: Readonly<Record<string, Option>>): Config =>
  Object.fromEntries(
    Object.entries(options).map(([name, { type, alias, array = false }]) => [
      name,
      { type, multiple: array, ...(alias === undefined ? {} : { short: alias }) },
    ]),
  );

/** `-kK` and `-k=K` mean different things to different parsers, an empty value is a mistake, and `--` ends options. */
const isPlain = (word: string): boolean => word !== '' && word !== '--' && !word.endsWith('=') && !/^-[^-]./.test(word);

interface Words {
  readonly values: Readonly<Record<string, unknown>>;
  readonly words: readonly string[];
}

const wordsOf = (argv: readonly string[], options: Config): Words | undefined => {
  if (!argv.every(isPlain)) return undefined;
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    return { values, words: positionals };
  } catch {
    return undefined;
  }
};

const orUndefined = (invocation: () => Invocation | undefined): Invocation | undefined => {
  try {
    return invocation();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
};

const dkmsConfig = configOf(dkmsOptions);

const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const listIn = (value: unknown): string[] | undefined => (Array.isArray(value) ? value.map(String) : undefined);

/** What `status` goes by, and options that it has no use for. */
const statusGiven = ({ values, words }: Words): { readonly given: Given; readonly others: object } => {
  const { module, 'module-version': version, kernelver, arch, quiet, verbose, debug, ...others } = values;
  const given = {
    _: words,
    module: textIn(module),
    'module-version': textIn(version),
    kernelver: listIn(kernelver),
    arch: listIn(arch),
    quiet: quiet === true,
    verbose: verbose === true,
    debug: debug === true,
  };
  const places = Object.fromEntries(Object.keys(placeOptions).map((name) => [name, textIn(values[name])]));
  return { given: { ...given, ...places }, others };
};

const isPlace = (name: string): boolean => name in placeOptions;

/** `dkms --version` and `dkms status …`; undefined for anything else. */
export const quickDkms = (argv: readonly string[], context: CliContext): Invocation | undefined => {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) return versionInvocation;
  const read = wordsOf(argv, dkmsConfig);
  if (!read) return undefined;
  const { given, others } = statusGiven(read);
  if (!Object.keys(others).every(isPlace)) return undefined;
  return orUndefined(() => (actionOf(read.words) === 'status' ? invocationOf('status', given, context) : undefined));
};

const chosenBy = (words: readonly string[], isDryRun: boolean): Chosen | undefined => {
  if (words.length === 1 && words[0] === 'status') return statusTask;
  return words[0] === 'hook' && words[1] === 'run' ? hookRun(words.slice(2), isDryRun) : undefined;
};

const ownConfig = configOf(everywhere);

/** `kmodsort --version`, `kmodsort status` and `kmodsort hook run …`; undefined for anything else. */
export const quickKmodsort = (
  argv: readonly string[],
  context: { readonly cwd: string; readonly version: string },
): Invocation | undefined => {
  if (argv.length === 1 && argv[0] === '--version') {
    return { kind: 'text', text: `kmodsort ${context.version}\n`, code: 0 };
  }
  const read = wordsOf(argv, ownConfig);
  if (!read) return undefined;
  return orUndefined(() => {
    const chosen = chosenBy(read.words, read.values['dry-run'] === true);
    if (!chosen) return undefined;
    const { task, exitPolicy } = chosen;
    const output = read.values.json === true ? 'json' : 'auto';
    const overrides = overridesOf(read.values, context.cwd);
    return { kind: 'run', task, overrides, output, verbose: read.values.verbose === true, exitPolicy };
  });
};
