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

/** How many letters have to be changed, added, taken away or swapped with their neighbour to make one word the other. */
const distance = (from: string, to: string): number => {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, i) => i)];
  const known = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= to.length; j++) {
      const changed = known(i - 1, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap ? known(i - 2, j - 2) + 1 : changed;
      row.push(Math.min(changed, swapped, known(i - 1, j) + 1, known(i, j - 1) + 1));
    }
  }
  return known(from.length, to.length);
};

/** The known word that was probably meant. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const ranked = known.map((candidate) => ({ candidate, far: distance(word, candidate) }));
  ranked.sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
};

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
