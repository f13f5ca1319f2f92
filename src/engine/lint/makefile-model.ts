import { lookupIn } from './lookup.ts';
import { type Condition, parseMakefile, type Statement } from './makefile.ts';

/** What a Makefile comes to with the variables that it is given, as far as its text alone can tell. Pure. */

/** How a Makefile is read. */
export interface Reading {
  /** `top`: make was started on it; `kbuild`: the kernel's build reads it, and sets much that nobody knows here. */
  readonly role: 'top' | 'kbuild';
  /** Of the command line: they stand above what the Makefile says. */
  readonly given: ReadonlyMap<string, string>;
  /** Of the environment: they stand above `?=`. */
  readonly environment: ReadonlyMap<string, string>;
}

interface Variable {
  readonly value: string;
  /** As it is written. */
  readonly raw: string;
  readonly line: number;
}

interface Recipe {
  readonly text: string;
  readonly line: number;
}

export interface Rule {
  readonly targets: readonly string[];
  readonly needs: readonly string[];
  readonly recipe: readonly Recipe[];
  /** No condition that cannot be told stands above it. */
  readonly isSure: boolean;
}

/** An assignment that counts for sure. */
interface Assigned {
  readonly name: string;
  readonly value: string;
  readonly line: number;
  readonly isSure: boolean;
}

/** Where a text gets a lookup from. */
export interface Origin {
  readonly lookup: string;
  readonly line: number;
  /** The variable whose value it is; none where it stands in a command itself. */
  readonly variable?: string;
}

export interface Model {
  readonly rules: readonly Rule[];
  readonly assigned: readonly Assigned[];
  /** Other files belong to it that were not read. */
  readonly includes: boolean;
  /** A text with the variables in it replaced, those that are known. */
  readonly expand: (text: string) => string;
  readonly originOf: (text: string, line: number) => Origin | undefined;
}

type Truth = boolean | undefined;

interface Branch {
  readonly isActive: Truth;
  /** Whether a branch of the same `if` before this one was taken. */
  readonly isTaken: Truth;
}

/** Of make itself, or of every shell: they are set, whatever the Makefile says. */
const builtIn =
  /^(?:MAKE|MAKEFLAGS|MAKECMDGOALS|MAKEFILE_LIST|MAKELEVEL|SHELL|HOME|PATH|USER|LANG|V|O|[@<^+*?%|]|[@<^+*?%][DF])$/;
const tools: Readonly<Record<string, string>> = { CURDIR: '.', PWD: '.', RM: 'rm -f', CC: 'cc', LD: 'ld', AR: 'ar' };

const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);
const both = (a: Truth, b: Truth): Truth => {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
};

const either = (a: Truth, b: Truth): Truth => not(both(not(a), not(b)));

const reference = /\$\$|\$\(([^\s(){}$:]+)\)|\$\{([^\s(){}$:]+)\}|\$([A-Za-z@<^])/g;

const isUnknown = (text: string): boolean => /[$`]/.test(text);

const deepest = 20;
const mostExpansions = 50_000;

class State {
  readonly variables = new Map<string, Variable | 'unknown'>();
  readonly rules: { targets: string[]; needs: string[]; recipe: Recipe[]; isSure: boolean }[] = [];
  readonly assigned: Assigned[] = [];
  includes = false;
  /** Variables that are made of variables may be more text than there is memory. */
  #left = mostExpansions;
  readonly #reading: Reading;

  constructor(reading: Reading) {
    this.#reading = reading;
    for (const [name, value] of reading.environment) this.variables.set(name, { value, raw: value, line: 0 });
    for (const [name, value] of reading.given) this.variables.set(name, { value, raw: value, line: 0 });
  }

  /** What nothing sets is empty, unless others may set it. */
  #valueOf(name: string): string | undefined {
    const known = this.variables.get(name);
    if (known === 'unknown') return undefined;
    if (known) return known.value;
    const tool = tools[name];
    if (tool !== undefined) return tool;
    return this.#reading.role === 'kbuild' || this.includes || builtIn.test(name) ? undefined : '';
  }

  expand(text: string, depth = 0): string {
    if (depth > deepest) return text;
    return text.replaceAll(reference, (all: string, ...names: (string | undefined)[]) => {
      if (all === '$$') return all;
      const value = this.#valueOf(names[0] ?? names[1] ?? names[2] ?? '');
      if (value === undefined || this.#left <= 0) return all;
      this.#left -= 1;
      return this.expand(value, depth + 1);
    });
  }

  originOf(text: string, line: number, variable?: string, depth = 0): Origin | undefined {
    const lookup = lookupIn(text);
    if (lookup !== undefined) return { lookup, line, ...(variable === undefined ? {} : { variable }) };
    if (depth > deepest) return undefined;
    for (const [, a, b, c] of text.matchAll(reference)) {
      const name = a ?? b ?? c ?? '';
      const known = this.variables.get(name);
      if (!known || known === 'unknown' || this.#reading.given.has(name)) continue;
      if (lookupIn(this.expand(known.value)) === undefined) continue;
      return this.originOf(known.raw, known.line, name, depth + 1);
    }
    return undefined;
  }

  assign(statement: Extract<Statement, { kind: 'assign' }>, isActive: Truth): void {
    const { operator, value, line, isOverride } = statement;
    const name = this.expand(statement.name);
    const before = this.variables.get(name);
    if (this.#reading.given.has(name) && !isOverride) return;
    if (operator === '?=' && before !== undefined) return;
    const kept = operator === '+=' && before !== undefined && before !== 'unknown' ? `${before.value} ` : '';
    const rawBefore = kept !== '' && before !== undefined && before !== 'unknown' ? `${before.raw} ` : '';
    const now = operator === ':=' ? this.expand(value) : value;
    this.assigned.push({ name, value: this.expand(value), line, isSure: isActive === true });
    if (isActive === undefined || operator === '!=' || (operator === '+=' && before === 'unknown'))
      this.variables.set(name, 'unknown');
    else this.variables.set(name, { value: kept + now, raw: rawBefore + value, line });
  }

  truthOf(condition: Condition): Truth {
    if ('name' in condition) {
      const value = this.#valueOf(this.expand(condition.name));
      const isSet = value === undefined ? undefined : value !== '';
      return condition.test === 'ifdef' ? isSet : not(isSet);
    }
    const { test } = condition;
    const [left, right] = [this.expand(condition.left), this.expand(condition.right)];
    if (isUnknown(left) || isUnknown(right)) return undefined;
    return test === 'ifeq' ? left.trim() === right.trim() : left.trim() !== right.trim();
  }
}

const wordsIn = (text: string): string[] => text.split(/\s+/).filter(Boolean);

const branchAfter = (state: State, before: Branch, condition: Condition | undefined): Branch => {
  const isActive = both(not(before.isTaken), condition ? state.truthOf(condition) : true);
  return { isActive, isTaken: either(before.isTaken, isActive) };
};

const addRule = (state: State, targets: string, needs: string, isActive: Truth): void => {
  state.rules.push({
    targets: wordsIn(state.expand(targets)),
    needs: wordsIn(state.expand(needs)).filter((word) => word !== '|'),
    recipe: [],
    isSure: isActive === true,
  });
};

const take = (state: State, statement: Statement, isActive: Truth): void => {
  if (isActive === false) return;
  switch (statement.kind) {
    case 'assign':
      state.assign(statement, isActive);
      return;
    case 'rule':
      addRule(state, statement.targets, statement.needs, isActive);
      return;
    case 'recipe':
      if (isActive) state.rules.at(-1)?.recipe.push({ text: statement.text, line: statement.line });
      return;
    case 'include':
      state.includes = true;
      return;
    default:
  }
};

/** Read a Makefile with what it is given. */
export const modelOf = (text: string, reading: Reading): Model => {
  const state = new State(reading);
  const branches: Branch[] = [];
  const isActive = (): Truth => branches.reduce<Truth>((truth, branch) => both(truth, branch.isActive), true);
  for (const statement of parseMakefile(text)) {
    if (statement.kind === 'if') {
      const holds = isActive() === false ? false : state.truthOf(statement.condition);
      branches.push({ isActive: holds, isTaken: holds });
    } else if (statement.kind === 'else') {
      const before = branches.pop();
      if (before) branches.push(branchAfter(state, before, statement.condition));
    } else if (statement.kind === 'endif') branches.pop();
    else take(state, statement, isActive());
  }
  return {
    rules: state.rules,
    assigned: state.assigned,
    includes: state.includes,
    expand: (one) => state.expand(one),
    originOf: (one, line) => state.originOf(one, line),
  };
};

/** What a goal needs runs before it; without one it is the first target that is no pattern and no special one. */
export const reachedRules = ({ rules }: Model, goals: readonly string[]): Rule[] => {
  const isUsual = (target: string): boolean => !/^\.[A-Z_]+$|%/.test(target);
  const first = rules.find(({ targets }) => targets.some(isUsual));
  // What is not sure to be the first may not be what runs.
  const wanted = goals.length > 0 ? goals : first?.isSure ? first.targets.filter(isUsual).slice(0, 1) : [];
  const reached = new Set<Rule>();
  const visit = (target: string): void => {
    for (const rule of rules) {
      if (!rule.targets.includes(target) || reached.has(rule)) continue;
      reached.add(rule);
      for (const need of rule.needs) visit(need);
    }
  };
  for (const goal of wanted) visit(goal);
  return [...reached].filter(({ isSure }) => isSure);
};
