// Manual pages and completions out of the tables that the program's own help is made of.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandHelp } from '../src/cli/command-help.ts';
import { actionHelp, dkmsActions, dkmsOptions } from '../src/cli/dkms-options.ts';
import { coming, dot, everywhere, grid, inputs, kernels, packing, repairs, undoing } from '../src/cli/options.ts';

interface Option {
  readonly type: string;
  readonly describe: string;
  readonly alias?: string | readonly string[];
}

type Options = Readonly<Record<string, Option>>;

const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/gm, '\\&$1');

const aliases = (option: Option): string[] => [option.alias ?? []].flat();
const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
const words = (options: Options): string[] =>
  Object.entries(options).flatMap(([name, option]) => [name, ...aliases(option)].map(dashed));

const optionPage = (options: Options): string =>
  Object.entries(options)
    .map(([name, option]) => {
      const names = [...aliases(option), name].map((one) => `\\fB${roff(dashed(one))}\\fR`).join(', ');
      const value = option.type === 'string' ? ' \\fIVALUE\\fR' : '';
      return `.TP\n${names}${value}\n${roff(option.describe)}.`;
    })
    .join('\n');

const actionPage = (): string =>
  dkmsActions
    .map((action) => {
      const { operand, says, options } = actionHelp[action];
      const matter = options.length > 0 ? `\nOptions: ${roff(options.map(dashed).join(', '))}.` : '';
      return `.TP\n\\fB${roff(action)}\\fR ${roff(operand)}\n${roff(says)}.${matter}`;
    })
    .join('\n');

const commandPage = (): string =>
  Object.entries(commandHelp)
    .map(([name, says]) => `.TP\n\\fB${roff(name)}\\fR\n${roff(says)}.`)
    .join('\n');

const ownOptions: Options = {
  ...everywhere,
  ...kernels,
  ...dot,
  ...coming,
  ...grid,
  ...repairs,
  ...undoing,
  ...packing,
  ...inputs,
};

/** What stands for the marks in the page and completion templates. */
const marks: Readonly<Record<string, string>> = {
  '@DKMS_ACTIONS_ROFF@': actionPage(),
  '@DKMS_OPTIONS_ROFF@': optionPage(dkmsOptions),
  '@KMODSORT_COMMANDS_ROFF@': commandPage(),
  '@KMODSORT_OPTIONS_ROFF@': optionPage(ownOptions),
  '@DKMS_ACTIONS@': dkmsActions.join(' '),
  '@DKMS_OPTIONS@': words(dkmsOptions).join(' '),
  '@KMODSORT_COMMANDS@': Object.keys(commandHelp)
    .map((name) => name.split(' ')[0])
    .join(' '),
  '@KMODSORT_OPTIONS@': words(ownOptions).join(' '),
};

const filled = (text: string): string =>
  Object.entries(marks).reduce((page, [mark, value]) => page.replaceAll(mark, () => value), text);

const fill = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) writeFileSync(join(to, name), filled(readFileSync(join(from, name), 'utf8')));
};

fill('docs/man', 'dist/man');
fill('packaging/completion', 'dist/completion');
