import { resolve } from 'node:path';
import { typedSync } from '../engine/request.ts';
import { commandHelp, commands } from './command-help.ts';
import { type Choose, type Parser, type Surroundings, started } from './kmodsort-parser.ts';
import { sharing } from './kmodsort-sharing.ts';
import {
  type Chosen,
  hookRun,
  lintRequest,
  logRequest,
  matrixRequest,
  onCluster,
  operandsOf,
  printedMatrix,
  scopeOf,
  statusRequest,
  typed,
  whyRequest,
} from './kmodsort-tasks.ts';
import { coming, dot, failed, grid, kernels, releasesOf, repairs, undoing } from './options.ts';

/** The commands of kmodsort with their options. */

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
          describe: 'pacman|apt|rpm, then its arguments; or boot',
        }),
      (argv) => choose(argv, () => hookRun([...(argv.words ?? []), ...argv._.slice(2).map(String)], argv['dry-run'])),
    )
    .demandCommand(1, "missing argument after hook: use 'hook run'");

/** Commands that change something, or show what would. */
const changing = (parser: Parser, choose: Choose) =>
  parser
    .command('hook', 'What package manager hooks run', (hook) => hookCommands(hook, choose))
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
      'boot-guard',
      commandHelp['boot-guard'],
      (guard) => guard.options(undoing),
      (argv) => choose(argv, () => typed({ verb: 'boot-guard', undo: argv.undo })),
    )
    .command(
      'store [action]',
      commandHelp.store,
      (store) =>
        store.positional('action', {
          choices: ['list', 'gc', 'verify'] as const,
          default: 'list' as const,
          describe: 'What to do with it',
        }),
      (argv) => choose(argv, () => typed({ verb: 'store', action: argv.action })),
    );

const oneModule = { type: 'string', demandOption: true, describe: 'NAME or NAME/VERSION' } as const;

/** What another run of ours starts; nobody types it. */
const errand: Chosen = { task: { kind: 'errand' }, exitPolicy: 'typed', dot: false };

/** Commands about what is not installed yet. */
const trying = (parser: Parser, choose: Choose, { cwd, self }: Surroundings) =>
  parser
    .command(
      'try [modules..]',
      commandHelp.try,
      (one) =>
        one.options(kernels).options(coming).positional('modules', {
          type: 'string',
          array: true,
          describe: 'NAME, or a package file; all modules that would be built if none is given',
        }),
      (argv) =>
        choose(argv, () =>
          typed({
            verb: 'try',
            ...operandsOf(argv.modules, argv.packages, cwd),
            next: argv.next,
            releases: releasesOf(argv.kernel),
            program: self,
          }),
        ),
    )
    .command(
      'errand',
      false,
      (none) => none,
      (argv) => choose(argv, () => errand),
    );

/** Commands for authors of packages. */
const authoring = (parser: Parser, choose: Choose, { cwd, self }: Surroundings) =>
  parser
    .command(
      'lint <paths..>',
      commandHelp.lint,
      (lint) =>
        lint.positional('paths', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'A source directory, a dkms.conf, a package file, debian/, a .install or a .spec',
        }),
      (argv) => choose(argv, () => typed(lintRequest(argv.paths, cwd))),
    )
    .command(
      'matrix <modules..>',
      commandHelp.matrix,
      (one) =>
        one.options(grid).positional('modules', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'NAME of a module in the dkms tree, or the path of a source directory (./NAME)',
        }),
      (argv) =>
        choose(argv, () => {
          const asked = matrixRequest(argv.modules, argv.kernels, argv['kernels-from'], { cwd, self });
          const request = onCluster(asked, argv.on, argv.jobs);
          if (argv.print) return { text: printedMatrix(argv.print, argv.modules, request) };
          return { ...typed(request), ...(argv.html === undefined ? {} : { page: resolve(cwd, argv.html) }) };
        }),
    );

/** Commands that only ask. */
const asking = (parser: Parser, choose: Choose, { self }: Surroundings) =>
  parser
    .command(
      'status [module]',
      commandHelp.status,
      (status) =>
        status
          .options(kernels)
          .options(failed)
          .positional('module', { type: 'string', describe: 'NAME or NAME/VERSION; all if none is given' }),
      (argv) => choose(argv, () => typed(statusRequest(argv.module, releasesOf(argv.kernel), argv.failed))),
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
          describe: 'The package manager whose list is on stdin',
        }),
      (argv) =>
        choose(argv, () => ({ task: { kind: 'guard', manager: argv.manager, self }, exitPolicy: 'guard', dot: false })),
    )
    .command(
      'doctor',
      commandHelp.doctor,
      (doctor) => doctor.options(repairs),
      (argv) => choose(argv, () => typed({ verb: 'doctor', fix: argv.fix && !argv['dry-run'] })),
    )
    .command(
      'why <module>',
      commandHelp.why,
      (why) => why.options(kernels).positional('module', oneModule),
      (argv) => choose(argv, () => typed(whyRequest(argv.module, releasesOf(argv.kernel)))),
    )
    .command(
      'log <module>',
      commandHelp.log,
      (log) => log.options(kernels).positional('module', oneModule),
      (argv) => choose(argv, () => typed(logRequest(argv.module, releasesOf(argv.kernel)))),
    );

/** The commands; `choose` gets what was found, evaluated only after the parser is done. */
export const parserOf = (surroundings: Surroundings, choose: Choose) =>
  authoring(
    trying(
      asking(sharing(changing(started(surroundings), choose), choose, surroundings), choose, surroundings),
      choose,
      surroundings,
    ),
    choose,
    surroundings,
  ).demandCommand(1, `no command given: ${commands.join(', ')}`);
