import yargs from 'yargs';
import type { Chosen, Said } from './kmodsort-tasks.ts';
import { everywhere } from './options.ts';

/** What the commands of kmodsort have in common. */

/** What the command line is read against. */
export interface Surroundings {
  readonly cwd: string;
  readonly version: string;
  /** Width of the help. */
  readonly columns: number;
  /** The words that start this program once more. */
  readonly self: readonly [string, ...string[]];
}

/** What every command line may say. */
export interface Common {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly 'no-color': boolean;
  readonly [option: string]: unknown;
}

/** Gets what was found, evaluated only after the parser is done. */
export type Choose = (common: Common, chosen: () => Chosen | Said) => void;

/** A parser that knows the options of every command. */
export const started = ({ version, columns }: Pick<Surroundings, 'version' | 'columns'>) =>
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

/** The parser with the options of every command. */
export type Parser = ReturnType<typeof started>;
