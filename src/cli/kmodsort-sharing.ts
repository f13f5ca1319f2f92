import { commandHelp } from './command-help.ts';
import type { Choose, Parser, Surroundings } from './kmodsort-parser.ts';
import { packRequest, produceRequest, pushRequest, typed } from './kmodsort-tasks.ts';
import { inputs, kernels, packing, releasesOf } from './options.ts';

/** Builds for other machines. */
export const sharing = (parser: Parser, choose: Choose, { cwd, self }: Surroundings) =>
  parser
    .command(
      'push [modules..]',
      commandHelp.push,
      (push) =>
        push.options(kernels).positional('modules', {
          type: 'string',
          array: true,
          describe: 'NAME or NAME/VERSION; all that was built and kept if none is given',
        }),
      (argv) => choose(argv, () => typed(pushRequest(argv.modules, releasesOf(argv.kernel), argv['dry-run']))),
    )
    .command(
      'produce <module>',
      commandHelp.produce,
      (produce) =>
        produce
          .options(kernels)
          .options(inputs)
          .positional('module', { type: 'string', demandOption: true, describe: 'NAME/VERSION' }),
      (argv) => choose(argv, () => typed(produceRequest(argv.module, releasesOf(argv.kernel), argv, self))),
    )
    .command(
      'pack [modules..]',
      commandHelp.pack,
      (pack) =>
        pack.options(kernels).options(packing).positional('modules', {
          type: 'string',
          array: true,
          describe: 'NAME or NAME/VERSION, with what it was built on; all that was built and kept if none is given',
        }),
      (argv) => choose(argv, () => typed(packRequest(argv.modules, releasesOf(argv.kernel), argv, cwd))),
    );
