import yargs from 'yargs';
import { type KernelScope, type Request, typedSync } from '../engine/request.ts';
import type { Overrides } from '../engine/settings.ts';
import { type Manager, type Manners, requestOf } from '../events.ts';
import { dot, everywhere, kernels, optionNames, overridesOf, releasesOf } from './options.ts';
import { complaint, nearest, UsageError } from './usage.ts';

/** What a run shall do: a Request, or a hook's words whose Request also depends on what comes on stdin. */
export type Task =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'guard'; readonly manager: 'apt' | 'pacman' }
  | { readonly kind: 'hook'; readonly manager: Manager; readonly words: readonly string[]; readonly dryRun: boolean };

/** How the answer is given; `dkms`: status lines as scripts scrape them. */
type Output = 'auto' | 'json' | 'dot' | 'dkms';

/** What a command line means. */
export type Invocation =
  | {
      readonly kind: 'run';
      readonly task: Task;
      readonly overrides: Overrides;
      readonly output: Output;
      readonly verbose: boolean;
      /** Say only what failed. */
      readonly quiet?: boolean;
      /** Options that were given and mean nothing any more. */
      readonly ignored?: readonly string[];
      readonly manners: Manners;
    }
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly code: number;
      /** Where it goes; stdout if it ends well and nothing is said. */
      readonly to?: 'err';
    };

/** What the command line is read against. */
export interface Surroundings {
  readonly cwd: string;
  readonly version: string;
  /** Width of the help. */
  readonly columns: number;
}

interface Chosen {
  readonly task: Task;
  readonly manners: Manners;
  readonly dot: boolean;
}

interface Common {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly [option: string]: unknown;
}

/** Every command and what it does; help and manual are made from this. */
export const commandHelp = {
  'hook run':
    'Bring modules into order after what a package manager did: pacman|apt|rpm and its words, boot, or nothing',
  sync: 'Build and install every module that belongs on the kernels',
  plan: 'Show what sync would do, in order, and why',
  status: 'Show the state of every module, with remembered failures',
  verify: 'Predict without loading anything whether what is installed will load',
  guard: 'Before a transaction: stop it if a required module cannot be built for a kernel that comes in',
  log: 'Show the last failure of a module and its log',
} as const;

const commands = Object.keys(commandHelp).map((name) => name.split(' ')[0] ?? name);
const managers: readonly Manager[] = ['pacman', 'apt', 'rpm'];
const hint = "'kmodsort --help' shows the commands and options";

const typed = (request: Request): Chosen => ({ task: { kind: 'request', request }, manners: 'typed', dot: false });

/** The kernels of -k; without it the usual ones. */
const scopeOf = (releases: readonly string[]): KernelScope =>
  releases.length > 0 ? { kind: 'only', releases } : { kind: 'usual' };

const logRequest = (asked: string, releases: readonly string[]): Request => {
  const [, name, version] = /^([^/]+)(?:\/([^/]+))?$/.exec(asked) ?? [];
  if (name === undefined) throw new UsageError(`'${asked}' is no module: NAME or NAME/VERSION`);
  if (releases.length > 1) throw new UsageError('log shows one kernel: give -k once');
  const [release] = releases;
  return { verb: 'log', name, ...(version ? { version } : {}), ...(release ? { release } : {}) };
};

/** What a machine does when it comes up: the kernel that runs, and what had to wait. */
const bootRequest = (dryRun: boolean): Request => ({
  ...requestOf('none', [{ kind: 'transaction-ended' }], { dryRun }),
  scope: { kind: 'running' },
});

const hookRun = ([manager, ...words]: readonly string[], dryRun: boolean): Chosen => {
  if (manager === undefined) return typed(requestOf('none', [{ kind: 'transaction-ended' }], { dryRun }));
  if (manager === 'boot') return { ...typed(bootRequest(dryRun)), manners: 'boot' };
  const known = managers.find((name) => name === manager);
  if (known) return { task: { kind: 'hook', manager: known, words, dryRun }, manners: known, dot: false };
  const near = nearest(manager, managers);
  throw new UsageError(
    `unknown package manager ${manager}: ${near ? `did you mean ${near}?` : `it is one of ${managers.join(', ')}, or boot`}`,
  );
};

const outputOf = (json: boolean, asDot: boolean): 'auto' | 'json' | 'dot' => {
  if (json && asDot) throw new UsageError('--json and --dot exclude each other');
  if (json) return 'json';
  return asDot ? 'dot' : 'auto';
};

type Choose = (common: Common, chosen: () => Chosen) => void;

/** A parser that knows the options of every command. */
const started = ({ version, columns }: Pick<Surroundings, 'version' | 'columns'>) =>
  yargs([])
    .scriptName('kmodsort')
    .usage('$0 COMMAND: rebuild kernel modules in dependency order')
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false)
    .strict()
    .wrap(columns)
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
    })
    .version(`kmodsort ${version}`)
    .options(everywhere);

type Parser = ReturnType<typeof started>;

/** What `hook` is followed by. */
const hookCommands = (hook: Parser, choose: Choose) =>
  hook
    .command(
      'run [words..]',
      commandHelp['hook run'],
      (run) =>
        run.positional('words', {
          type: 'string',
          array: true,
          describe: 'pacman|apt|rpm, then its words; or boot',
        }),
      (argv) => choose(argv, () => hookRun([...(argv.words ?? []), ...argv._.slice(2).map(String)], argv['dry-run'])),
    )
    .demandCommand(1, "a word is missing after hook: 'hook run'");

/** The commands; `choose` gets what was found, evaluated only after the parser is done. */
const parserOf = (surroundings: Surroundings, choose: Choose) =>
  started(surroundings)
    .command('hook', "What the package managers' hooks call", (hook) => hookCommands(hook, choose))
    .command(
      'sync',
      commandHelp.sync,
      (sync) => sync.options(kernels),
      (argv) => choose(argv, () => typed(typedSync(scopeOf(releasesOf(argv.kernel)), { dryRun: argv['dry-run'] }))),
    )
    .command(
      'plan',
      commandHelp.plan,
      (plan) => plan.options(kernels).options(dot),
      (argv) =>
        choose(argv, () => ({
          ...typed(typedSync(scopeOf(releasesOf(argv.kernel)), { dryRun: true })),
          dot: argv.dot,
        })),
    )
    .command(
      'status',
      commandHelp.status,
      (status) => status,
      (argv) => choose(argv, () => typed({ verb: 'status', kernels: [], arches: [] })),
    )
    .command(
      'verify',
      commandHelp.verify,
      (verify) => verify.options(kernels),
      (argv) => choose(argv, () => typed({ verb: 'verify', scope: scopeOf(releasesOf(argv.kernel)) })),
    )
    .command(
      'guard <manager>',
      commandHelp.guard,
      (guard) =>
        guard.positional('manager', {
          choices: ['apt', 'pacman'] as const,
          demandOption: true,
          describe: 'Whose list is on stdin',
        }),
      (argv) => choose(argv, () => ({ task: { kind: 'guard', manager: argv.manager }, manners: 'guard', dot: false })),
    )
    .command(
      'log <module>',
      commandHelp.log,
      (log) =>
        log
          .options(kernels)
          .positional('module', { type: 'string', demandOption: true, describe: 'NAME or NAME/VERSION' }),
      (argv) => choose(argv, () => typed(logRequest(argv.module, releasesOf(argv.kernel)))),
    )
    .demandCommand(1, `a command is missing: ${commands.join(', ')}`);

const usageText = (message: string): Invocation => ({
  kind: 'text',
  text: `${message
    .split('\n')
    .map((line) => `kmodsort: ${line}\n`)
    .join('')}kmodsort: ${hint}\n`,
  code: 2,
});

/** Reads a command line. Prints nothing and ends nothing: help, the version and wrong usage come back as text. */
export const parseCommandLine = async (argv: readonly string[], surroundings: Surroundings): Promise<Invocation> => {
  const found: { common: Common; chosen: () => Chosen }[] = [];
  const said: { error?: Error | null | undefined; output: string } = { output: '' };
  const parser = parserOf(surroundings, (common, chosen) => found.push({ common, chosen }));
  try {
    await parser.parseAsync([...argv], {}, (error, _argv, output) => {
      said.error = error;
      said.output = output;
    });
    if (said.error) return usageText(complaint(said.error.message, argv, commands, optionNames));
    const [first] = found;
    if (!first) return { kind: 'text', text: `${said.output}\n`, code: 0 };
    const { task, manners, dot: asDot } = first.chosen();
    const { common } = first;
    const output = outputOf(common.json, asDot);
    const overrides = overridesOf(common, surroundings.cwd);
    return { kind: 'run', task, overrides, output, verbose: common.verbose, manners };
  } catch (error) {
    if (error instanceof UsageError) return usageText(error.message);
    throw error;
  }
};
