import { nearest } from '../engine/system/nearest.ts';
import { actionOf, invocationOf, versionInvocation } from './dkms-invocation.ts';
import { type CliContext, emptyKernel } from './dkms-operands.ts';
import { dkmsActions, dkmsOptions, type Given } from './dkms-options.ts';
import { helpText, parserOf } from './dkms-parser.ts';
import type { Invocation } from './invocation.ts';
import { complaint, UsageError } from './usage.ts';

/** The command line of dkms. */

const text = (message: string, code: number): Invocation => ({ kind: 'text', text: `dkms: ${message}\n`, code });

const noAction = async (words: readonly (string | number)[], columns: number): Promise<Invocation> => {
  const [word] = words.map(String);
  const near = word === undefined ? undefined : nearest(word, dkmsActions);
  const said = word === undefined ? 'no action given' : `unknown action ${word}`;
  const usage = await parserOf(columns).getHelp();
  // dkms ends well here, and scripts have come to live with it.
  return {
    kind: 'text',
    text: `dkms: ${said}${near ? `: did you mean ${near}?` : ''}\n\n${usage}\n`,
    code: 0,
    to: 'err',
  };
};

const answerTo = async (given: Given, context: CliContext): Promise<Invocation> => {
  if (given.version) return versionInvocation;
  const action = actionOf(given._);
  if (given.help) return { kind: 'text', text: `${await helpText(action, context.columns)}\n`, code: 0 };
  return action ? invocationOf(action, given, context) : noAction(given._, context.columns);
};

/** Reads a dkms command line. Prints nothing and ends nothing: help, the version and wrong usage come back as text. */
export const parseDkmsCommandLine = async (argv: readonly string[], context: CliContext): Promise<Invocation> => {
  const said: { error?: Error | null | undefined } = {};
  try {
    const given = await parserOf(context.columns).parseAsync([...argv], {}, (error) => {
      said.error = error;
    });
    // The parser has one complaint for `-k` without a word and for `--kernelver=`: scripts know the latter by its number.
    const isEmpty = argv.some((word) => /^--?(kernelver|k|arch|a)=$/.test(word));
    if (said.error && isEmpty) return text(emptyKernel, 16);
    if (said.error) return text(complaint(said.error.message, argv, dkmsActions, Object.keys(dkmsOptions)), 2);
    return await answerTo(given, context);
  } catch (error) {
    if (error instanceof UsageError) return text(error.message, error.code);
    throw error;
  }
};
