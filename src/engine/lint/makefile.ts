/** A Makefile as text: its lines as statements, in order. Nothing is run. Source: GNU make manual. Pure. */

/** One statement; lines count from 1. */
export type Statement =
  | {
      readonly kind: 'assign';
      readonly name: string;
      readonly operator: '=' | ':=' | '?=' | '+=' | '!=';
      readonly value: string;
      readonly isOverride: boolean;
      readonly line: number;
    }
  | { readonly kind: 'rule'; readonly targets: string; readonly needs: string; readonly line: number }
  | { readonly kind: 'recipe'; readonly text: string; readonly line: number }
  | { readonly kind: 'if'; readonly condition: Condition; readonly line: number }
  | { readonly kind: 'else'; readonly condition?: Condition; readonly line: number }
  | { readonly kind: 'endif'; readonly line: number }
  | { readonly kind: 'include'; readonly files: string; readonly line: number };

export type Condition =
  | { readonly test: 'ifeq' | 'ifneq'; readonly left: string; readonly right: string }
  | { readonly test: 'ifdef' | 'ifndef'; readonly name: string };

interface Line {
  readonly text: string;
  readonly line: number;
}

/** Lines that a backslash continues are one. In a recipe the backslash is the shell's, and stays. */
const logicalLines = (text: string): Line[] => {
  const lines: Line[] = [];
  let [open, start] = ['', 0];
  for (const [index, one] of text.replaceAll('\r', '').split('\n').entries()) {
    if (open === '') start = index + 1;
    const isRecipe = (open === '' ? one : open).startsWith('\t');
    open += open === '' || isRecipe ? one : ` ${one.trimStart()}`;
    if (/(?<!\\)(?:\\\\)*\\$/.test(one)) {
      open = isRecipe ? `${open}\n` : open.slice(0, -1).trimEnd();
      continue;
    }
    lines.push({ text: open, line: start });
    open = '';
  }
  if (open !== '') lines.push({ text: open, line: start });
  return lines;
};

/** `#` starts a comment unless it is escaped or in a function call. */
const withoutComment = (text: string): string => {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '$' && /[({]/.test(text[i + 1] ?? '')) depth++;
    else if (/[)}]/.test(text[i] ?? '') && depth > 0) depth--;
    else if (text[i] === '#' && depth === 0) return text.slice(0, i);
  }
  return text;
};

/** The comma of `(a,b)` that is in no function call. */
const commaIn = (text: string): number => {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (/[({]/.test(text[i] ?? '')) depth++;
    else if (/[)}]/.test(text[i] ?? '')) depth--;
    else if (text[i] === ',' && depth === 0) return i;
  }
  return -1;
};

const conditionOf = (text: string): Condition | undefined => {
  const [, test, rest = ''] = /^(ifeq|ifneq|ifdef|ifndef)\b\s*(.*)$/.exec(text.trim()) ?? [];
  if (test === 'ifdef' || test === 'ifndef') return { test, name: rest.trim() };
  if (test !== 'ifeq' && test !== 'ifneq') return undefined;
  const quoted = /^(["'])(.*?)\1\s+(["'])(.*?)\3\s*$/.exec(rest);
  if (quoted) return { test, left: quoted[2] ?? '', right: quoted[4] ?? '' };
  const inner = rest.trim().replace(/^\(|\)$/g, '');
  const comma = commaIn(inner);
  return { test, left: inner.slice(0, comma).trim(), right: inner.slice(comma + 1).trim() };
};

const assignmentOf = (text: string, line: number): Statement | undefined => {
  const match = /^\s*((?:(?:export|override|private|unexport)\s+)*)([^\s:#=!?+]+)\s*(::?:?=|\?=|\+=|!=|=)\s*(.*)$/.exec(
    text,
  );
  const [, words = '', name, said, value = ''] = match ?? [];
  if (name === undefined || said === undefined) return undefined;
  const operator = said.startsWith(':') ? ':=' : said;
  if (operator !== '=' && operator !== ':=' && operator !== '?=' && operator !== '+=' && operator !== '!=')
    return undefined;
  return { kind: 'assign', name, operator, value: value.trim(), isOverride: words.includes('override'), line };
};

/** The colon of a rule, not one in an expansion. */
const ruleOf = (text: string, line: number): Statement[] => {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (/[({]/.test(text[i] ?? '')) depth++;
    else if (/[)}]/.test(text[i] ?? '')) depth--;
    else if (text[i] === ':' && depth === 0) {
      const rest = text.slice(i + 1).replace(/^:/, '');
      const [needs = '', ...commands] = rest.split(';');
      // A variable of one target's own says nothing about others.
      if (/[^\s]\s*[:?+]?=/.test(needs)) return [];
      const recipe: Statement[] =
        commands.length > 0 ? [{ kind: 'recipe', text: commands.join(';').trim(), line }] : [];
      return [{ kind: 'rule', targets: text.slice(0, i).trim(), needs: needs.trim(), line }, ...recipe];
    }
  }
  return [];
};

const statementsOf = ({ text, line }: Line, inRule: boolean): Statement[] => {
  if (text.startsWith('\t') && inRule) {
    const word = text.trim();
    return word === '' || word.startsWith('#') ? [] : [{ kind: 'recipe', text: word, line }];
  }
  const plain = withoutComment(text).trim();
  if (plain === '') return [];
  const condition = conditionOf(plain);
  if (condition) return [{ kind: 'if', condition, line }];
  if (/^else\b/.test(plain)) {
    const further = conditionOf(plain.slice('else'.length));
    return [{ kind: 'else', ...(further ? { condition: further } : {}), line }];
  }
  if (/^endif\b/.test(plain)) return [{ kind: 'endif', line }];
  const [, files] = /^[-s]?include\s+(.*)$/.exec(plain) ?? [];
  if (files !== undefined) return [{ kind: 'include', files, line }];
  const assigned = assignmentOf(plain, line);
  return assigned ? [assigned] : ruleOf(plain, line);
};

/** Read a Makefile. What is between define and endef is passed over. */
export const parseMakefile = (text: string): Statement[] => {
  const statements: Statement[] = [];
  let [inRule, inDefine] = [false, false];
  for (const line of logicalLines(text)) {
    if (/^\s*define\b/.test(line.text)) inDefine = true;
    if (inDefine) {
      if (/^\s*endef\b/.test(line.text)) inDefine = false;
      continue;
    }
    const found = statementsOf(line, inRule);
    for (const one of found) {
      if (one.kind === 'rule') inRule = true;
      else if (one.kind === 'assign' || one.kind === 'include') inRule = false;
    }
    statements.push(...found);
  }
  return statements;
};
