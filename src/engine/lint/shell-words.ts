/** Shell text cut into commands and their words, as far as that can be done without running it. Pure. */

/** One simple command. */
export interface ShellCommand {
  /** Without quotes; expansions stand as they are written. Words of redirections are not among them. */
  readonly words: readonly string[];
  /** Files that its output goes to. */
  readonly outputs: readonly string[];
  /** Lines from 0 in the text. */
  readonly line: number;
  /** How many if, loops, cases, functions and groups it stands in. */
  readonly depth: number;
}

/** Where a word or operator ends that starts with an opening bracket or quote. */
const closingOf = (text: string, start: number): number => {
  const open = text[start] ?? '';
  const close = { '(': ')', '{': '}' }[open] ?? open;
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const letter = text[i] ?? '';
    if (letter === '\\' && open !== "'") i++;
    else if (open !== close && (letter === "'" || letter === '"')) i = closingOf(text, i);
    else if (letter === close && (open === close ? i > start : --depth === 0)) return i;
    else if (letter === open && open !== close) depth++;
  }
  return text.length;
};

type Token =
  | { readonly kind: 'word'; readonly text: string; readonly line: number }
  | { readonly kind: 'end'; readonly text: string; readonly line: number }
  | { readonly kind: 'output'; readonly line: number }
  | { readonly kind: 'input'; readonly line: number };

const operator = /^(?:&&|\|\||;;|[;&|\n()])/;
const redirection = /^\d*(?:&>>?|>>?\|?&?|<<<|<<-?|<&?)/;

interface Word {
  readonly text: string;
  readonly end: number;
}

/** Expansions `$(…)`, `${…}` and backticks belong to the word, whatever is in them. */
const wordAt = (text: string, start: number): Word => {
  let word = '';
  let i = start;
  while (i < text.length && !/[\s;&|()<>]/.test(text[i] ?? '')) {
    const letter = text[i] ?? '';
    if (letter === '\\') {
      if (text[i + 1] !== '\n') word += text[i + 1] ?? '';
      i += 2;
      continue;
    }
    const isExpansion = letter === '$' && /[({]/.test(text[i + 1] ?? '');
    const end = isExpansion ? closingOf(text, i + 1) : /['"`]/.test(letter) ? closingOf(text, i) : i;
    const isQuoted = letter === "'" || letter === '"';
    word += isQuoted ? text.slice(i + 1, end) : text.slice(i, end + 1);
    i = end + 1;
  }
  return { text: word, end: i };
};

const linesIn = (text: string): number => text.split('\n').length - 1;

/** The body of a here document is data. */
const withoutHereDocuments = (text: string): string =>
  text.replaceAll(/(<<-?\s*(["']?)(\w+)\2[^\n]*\n)([\s\S]*?\n)?(\s*\3(?=\n|$))/g, (_all, head: string, ...rest) => {
    const body = typeof rest[2] === 'string' ? rest[2] : '';
    const mark = typeof rest[3] === 'string' ? rest[3] : '';
    return `${head}${'\n'.repeat(linesIn(body))}${mark.replaceAll(/\w/g, '')}`;
  });

const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  let line = 0;
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i, i + 4);
    const [blank] = /^(?:[ \t\r]+|\\\n)/.exec(text.slice(i, i + 80)) ?? [];
    const [redirect] = redirection.exec(rest) ?? [];
    const [end] = operator.exec(rest) ?? [];
    if (blank !== undefined) {
      line += linesIn(blank);
      i += blank.length;
    } else if (rest[0] === '#') {
      const stop = text.indexOf('\n', i);
      i = stop < 0 ? text.length : stop;
    } else if (redirect !== undefined && redirect !== '') {
      tokens.push({ kind: redirect.includes('>') && !redirect.endsWith('&') ? 'output' : 'input', line });
      i += redirect.length;
    } else if (end !== undefined) {
      tokens.push({ kind: 'end', text: end, line });
      line += linesIn(end);
      i += end.length;
    } else {
      const word = wordAt(text, i);
      tokens.push({ kind: 'word', text: word.text, line });
      line += linesIn(text.slice(i, word.end));
      i = Math.max(word.end, i + 1);
    }
  }
  return tokens;
};

const openers = new Set(['if', 'for', 'while', 'until', 'case', 'select', '{', '[[']);
const closers = new Set(['fi', 'done', 'esac', '}', ']]']);
const leaders = new Set(['then', 'else', 'elif', 'do', '!', 'time', 'exec', 'if', 'while', 'until', '{', '}']);

/** Cut a text into its commands, in their order. */
export const shellCommands = (text: string): ShellCommand[] => {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let outputs: string[] = [];
  let next: 'word' | 'output' | 'input' = 'word';
  let [line, depth, at] = [0, 0, 0];
  const finish = (): void => {
    if (words.length + outputs.length > 0) commands.push({ words, outputs, line, depth: at });
    [words, outputs, next] = [[], [], 'word'];
  };
  for (const token of tokensOf(withoutHereDocuments(text))) {
    if (token.kind === 'end') {
      finish();
      continue;
    }
    if (token.kind !== 'word') {
      next = token.kind;
      continue;
    }
    const isFirst = words.length === 0 && next === 'word';
    if (next === 'output') outputs.push(token.text);
    if (isFirst && openers.has(token.text)) depth += 1;
    if (isFirst && closers.has(token.text)) depth = Math.max(0, depth - 1);
    if (isFirst) [line, at] = [token.line, depth];
    if (next === 'word' && !(isFirst && (leaders.has(token.text) || closers.has(token.text)))) words.push(token.text);
    next = 'word';
  }
  finish();
  return commands;
};

const assignment = /^[A-Za-z_]\w*=/;

/** A command without the assignments and the words that only say how it is run. */
export const programOf = ({ words }: Pick<ShellCommand, 'words'>): readonly string[] => {
  const rest = words.slice(words.findIndex((word) => !assignment.test(word)));
  const [first = ''] = rest;
  if (!words.some((word) => !assignment.test(word))) return [];
  return ['nice', 'command', 'builtin', 'nohup'].includes(first) && !/^-/.test(rest[1] ?? '-')
    ? programOf({ words: rest.slice(1) })
    : rest;
};

/** Assignments before a command. */
export const assignmentsOf = ({ words }: Pick<ShellCommand, 'words'>): readonly string[] => {
  const end = words.findIndex((word) => !assignment.test(word));
  return end < 0 ? words : words.slice(0, end);
};
