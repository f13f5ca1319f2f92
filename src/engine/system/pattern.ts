/** Patterns of the shell for names, as case and fnmatch(3) know them. Source: POSIX, Pattern Matching Notation. */

const escaped = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');

/** `[a-z]` or `[!a-z]` at the start of a text; undefined where the bracket is never closed, and so is one itself. */
const bracket = (text: string): { readonly source: string; readonly length: number } | undefined => {
  const [all, not, inside] = /^\[([!^]?)(\]?[^\]]*)\]/.exec(text) ?? [];
  if (all === undefined || inside === undefined || inside === '') return undefined;
  const body = inside.replace(/[\\^[\]]/g, '\\$&');
  return { source: `[${not ? '^' : ''}${body}]`, length: all.length };
};

const sourceOf = (pattern: string): string => {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    const set = character === '[' ? bracket(pattern.slice(at)) : undefined;
    if (set) {
      source += set.source;
      at += set.length - 1;
    } else if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\' && at + 1 < pattern.length) source += escaped(pattern[++at] ?? '');
    else source += escaped(character);
  }
  return source;
};

/** Whether a whole name is what a pattern describes. A set that is no set (`[z-a]`) describes nothing. */
export const matches = (pattern: string, name: string): boolean => {
  try {
    return new RegExp(`^${sourceOf(pattern)}$`, 's').test(name);
  } catch {
    return false;
  }
};
