import { nearest } from '../engine/system/nearest.ts';

/** Wrong words on the command line. */
export class UsageError extends Error {
  override name = 'UsageError';
  constructor(
    message: string,
    /** The exit status that scripts know for it. */
    readonly code = 2,
  ) {
    super(message);
  }
}

const unknownWord = (
  word: string,
  argv: readonly string[],
  commands: readonly string[],
  options: readonly string[],
) => {
  const dashed = argv.find((given) => given.startsWith('-') && given.replace(/^--?/, '').split('=')[0] === word);
  const isOption = dashed !== undefined || !argv.includes(word);
  const near = nearest(word, isOption ? options : commands);
  const dashes = (name: string): string => (isOption ? (name.length === 1 ? `-${name}` : `--${name}`) : name);
  const said = `unknown ${isOption ? 'option' : 'command or argument'} ${dashes(word)}`;
  return near === undefined ? said : `${said}: did you mean ${dashes(near)}?`;
};

/** The parser's complaint in our words, with the near command or option where a word is unknown. */
export const complaint = (
  message: string,
  argv: readonly string[],
  commands: readonly string[],
  options: readonly string[],
): string => {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(message)?.[1];
  if (unknown !== undefined) {
    return unknown
      .split(', ')
      .map((word) => unknownWord(word, argv, commands, options))
      .join('\n');
  }
  const valueless = /^Not enough arguments following: (.*)$/s.exec(message)?.[1];
  if (valueless !== undefined) return `${valueless.length === 1 ? '-' : '--'}${valueless} requires a value`;
  if (message.startsWith('Not enough non-option arguments')) return 'missing argument after the command';
  return message;
};
