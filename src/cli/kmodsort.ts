import { commands } from './command-help.ts';
import type { Invocation } from './invocation.ts';
import { parserOf } from './kmodsort-commands.ts';
import type { Common, Surroundings } from './kmodsort-parser.ts';
import { type Chosen, outputOf, type Said } from './kmodsort-tasks.ts';
import { optionNames, overridesOf } from './options.ts';
import { complaint, UsageError } from './usage.ts';

const hint = "'kmodsort --help' shows the commands and options";

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
  const found: { common: Common; chosen: () => Chosen | Said }[] = [];
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
    const chosen = first.chosen();
    if ('text' in chosen) return { kind: 'text', text: chosen.text, code: 0 };
    const { task, exitPolicy, dot: asDot, page } = chosen;
    const { common } = first;
    const output = task.kind === 'errand' ? 'relay' : outputOf(common.json, asDot);
    const overrides = overridesOf(common, surroundings.cwd);
    return {
      kind: 'run',
      task,
      overrides,
      output,
      verbose: common.verbose,
      ...(page === undefined ? {} : { page }),
      ...(common['no-color'] ? { noColor: true } : {}),
      exitPolicy,
    };
  } catch (error) {
    if (error instanceof UsageError) return usageText(error.message);
    throw error;
  }
};
