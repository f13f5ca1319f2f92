import yargs from 'yargs';
import { actionHelp, type DkmsAction, dkmsActions, dkmsOptions } from './dkms-options.ts';

/** The parser of dkms's command line, and the help that it prints. */

const actionLines = dkmsActions.map((action) => `  ${action.padEnd(16)} ${actionHelp[action].says}`).join('\n');

const usageOf = (action: DkmsAction | undefined): { line: string; says: string } => {
  if (!action) {
    const all = `Actions:\n${actionLines}\n\n'dkms ACTION --help' shows the options of one.`;
    return { line: 'dkms ACTION [NAME/VERSION] [options]', says: all };
  }
  const { operand, says } = actionHelp[action];
  return { line: ['dkms', action, operand, '[options]'].filter(Boolean).join(' '), says };
};

export const parserOf = (columns: number, action?: DkmsAction) =>
  yargs([])
    .scriptName('dkms')
    .usage(usageOf(action).line)
    .epilogue(usageOf(action).says)
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false)
    .help(false)
    .version(false)
    .wrap(columns)
    .strictOptions()
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
    })
    .options(dkmsOptions);

/** An action's own help shows only the options that matter to it. */
export const helpText = async (action: DkmsAction | undefined, columns: number): Promise<string> => {
  const parser = parserOf(columns, action);
  if (!action) return parser.getHelp();
  const wanted = new Set<string>([...actionHelp[action].options, 'quiet', 'verbose', 'help']);
  for (const name of Object.keys(dkmsOptions).filter((option) => !wanted.has(option))) parser.hide(name);
  return parser.getHelp();
};
