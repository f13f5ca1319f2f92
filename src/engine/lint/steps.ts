import { join } from 'node:path';
import { lookupIn } from './lookup.ts';
import { type BuildPlaces, type Directory, directoryOf, isMake, type MakeCall, makeCallOf } from './make-call.ts';
import { type Model, modelOf, type Origin, type Reading, reachedRules } from './makefile-model.ts';
import { assignmentsOf, programOf, type ShellCommand, shellCommands } from './shell-words.ts';

/** What a build runs: the commands of MAKE and of scripts, and those of the Makefiles that they lead to. Pure. */

/** One command of a build. */
export interface Step {
  /** Path in the source. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly by: 'conf' | 'makefile' | 'script';
  /** Of a script: the directive that names it. */
  readonly directive?: string;
  /** The program and its arguments, variables replaced. */
  readonly words: readonly string[];
  /** Assignments before it. */
  readonly assignments: readonly string[];
  /** Files that its output goes to. */
  readonly outputs: readonly string[];
  /** As in ShellCommand. */
  readonly depth: number;
  /** dkms starts it: it gets the release and the jobs. */
  readonly isJoined: boolean;
  /** Of a call of make. */
  readonly call?: MakeCall;
  /** Make is called by its name in a recipe that make runs. */
  readonly isPlainMake: boolean;
  /** A goal that the Makefile has only where KERNELRELEASE is not set, as dkms sets it; empty: all of them. */
  readonly hiddenGoal?: string;
  /** Where it finds the kernel that runs. */
  readonly origin?: Origin;
}

/** A Makefile or Kbuild that kbuild reads. */
interface KbuildFile {
  readonly file: string;
  readonly model: Model;
}

export interface BuildSteps {
  readonly steps: readonly Step[];
  readonly kbuild: readonly KbuildFile[];
}

/** What is needed to follow a build. */
export interface Followed {
  /** The text of a file of the source. */
  readonly read: (path: string) => string | undefined;
  readonly places: BuildPlaces;
  readonly release: string;
}

/** A text of commands: where it is, and what is known while it runs. */
interface Commands {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly by: Step['by'];
  readonly directive?: string;
  readonly from: Directory;
  readonly given: ReadonlyMap<string, string>;
  readonly environment: ReadonlyMap<string, string>;
  readonly originOf: (text: string, line: number) => Origin | undefined;
  readonly depth: number;
  /** Make hands its jobs on to this recipe: it starts with `+` or names $(MAKE). */
  readonly isRecursive?: boolean;
}

const deepest = 6;
/** More are no build that somebody wrote. */
const mostSteps = 20_000;
const makefileNames = ['GNUmakefile', 'makefile', 'Makefile'];
const kbuildNames = ['Kbuild', 'Makefile'];

const pairs = (words: readonly string[]): [string, string][] =>
  words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);

const firstOf = (followed: Followed, directory: string, names: readonly string[]): string | undefined =>
  names.map((name) => join(directory, name)).find((path) => followed.read(path) !== undefined);

const readModel = (followed: Followed, path: string, reading: Reading): Model | undefined => {
  const text = followed.read(path);
  return text === undefined ? undefined : modelOf(text, reading);
};

const kbuildOf = (followed: Followed, directory: Directory, commands: Commands, call: MakeCall): KbuildFile[] => {
  if (directory.kind !== 'source') return [];
  const file = firstOf(followed, directory.path, kbuildNames);
  if (file === undefined) return [];
  const given = new Map([['KERNELRELEASE', followed.release], ...commands.given, ...call.given]);
  const model = readModel(followed, file, { role: 'kbuild', given, environment: commands.environment });
  return model ? [{ file, model }] : [];
};

/** The file that make is started on. */
const makefileOf = (followed: Followed, { directory, file }: MakeCall): string | undefined => {
  if (directory.kind !== 'source') return undefined;
  return file === undefined ? firstOf(followed, directory.path, makefileNames) : join(directory.path, file);
};

/** What a Makefile that tests KERNELRELEASE to know kbuild has no more when dkms starts it. */
const hiddenGoalOf = (followed: Followed, call: MakeCall, environment: Commands['environment']): string | undefined => {
  const file = makefileOf(followed, call);
  if (file === undefined) return undefined;
  const { given } = call;
  const released = new Map([['KERNELRELEASE', followed.release], ...given]);
  const [started, plain] = [released, given].map((one) =>
    readModel(followed, file, { role: 'top', given: one, environment }),
  );
  if (!started || !plain || started.includes || started.rules.some(({ targets }) => /%/.test(targets.join())))
    return undefined;
  const has = ({ rules }: Model, goal: string): boolean => rules.some(({ targets }) => targets.includes(goal));
  if (call.goals.length === 0) return started.rules.length === 0 && plain.rules.length > 0 ? '' : undefined;
  return call.goals.find((goal) => !has(started, goal) && has(plain, goal));
};

/** The commands of a Makefile that make is started on. */
const recipesOf = (followed: Followed, call: MakeCall, commands: Commands, environment: Commands['environment']) => {
  const file = makefileOf(followed, call);
  const given = new Map([...commands.given, ...call.given]);
  const model = file === undefined ? undefined : readModel(followed, file, { role: 'top', given, environment });
  if (file === undefined || !model) return [];
  return reachedRules(model, call.goals).flatMap(({ recipe, targets }) =>
    recipe.map(({ text, line }): Commands => {
      const plain = text
        .replace(/^[@+-]+/, '')
        .replaceAll('$@', call.goals.find((goal) => targets.includes(goal)) ?? targets[0] ?? '$@');
      const originOf = (one: string, at: number): Origin | undefined => model.originOf(one, at);
      return {
        text: model.expand(plain).replaceAll('$$', '$'),
        file,
        line,
        by: 'makefile',
        from: call.directory,
        given,
        environment,
        originOf: (one, at) => originOf(plain, at) ?? originOf(one, at),
        isRecursive: /^[@-]*\+|\$[({]MAKE[)}]/.test(text),
        depth: commands.depth + 1,
      };
    }),
  );
};

/** What is known of a call of make before it is followed. */
type Started = Pick<Step, 'call' | 'hiddenGoal' | 'isJoined'>;

const stepOf = (commands: Commands, command: ShellCommand, started: Started): Step => {
  const words = programOf(command);
  const line = commands.line + command.line;
  const origin = commands.originOf([...command.words, ...command.outputs].join(' '), line);
  const [program = ''] = words;
  return {
    file: commands.file,
    line,
    by: commands.by,
    words,
    assignments: assignmentsOf(command),
    outputs: command.outputs,
    depth: command.depth,
    ...started,
    isPlainMake: commands.by === 'makefile' && isMake(program) && !commands.isRecursive,
    ...(commands.directive === undefined ? {} : { directive: commands.directive }),
    ...(origin && /uname|\/proc\/|\/usr\/src\/linux/.test(command.words.join(' ')) ? { origin } : {}),
  };
};

const follow = (followed: Followed, commands: Commands, into: { steps: Step[]; kbuild: KbuildFile[] }): void => {
  let { from } = commands;
  const startsWithMake = commands.by === 'conf' && /^make(?=\s|$)/.test(commands.text);
  for (const [position, command] of shellCommands(commands.text).entries()) {
    const isJoined = position === 0 && startsWithMake;
    const words = programOf(command);
    const [program = '', argument = ''] = words;
    const call = isMake(program) ? makeCallOf(words.slice(1), from, followed.places) : undefined;
    const environment = new Map([...commands.environment, ...pairs(assignmentsOf(command))]);
    const hiddenGoal = call && isJoined ? hiddenGoalOf(followed, call, environment) : undefined;
    const started = { isJoined, ...(call ? { call } : {}), ...(hiddenGoal === undefined ? {} : { hiddenGoal }) };
    into.steps.push(stepOf(commands, command, started));
    const scripts = commands.by === 'conf' && !call ? startedScript(followed, words, from) : [];
    for (const script of scripts)
      follow(followed, { ...commands, ...script, from, by: 'script', depth: commands.depth + 1 }, into);
    if (program === 'cd' || program === 'pushd') from = directoryOf(argument, from, followed.places);
    if (call && commands.depth < deepest && commands.by !== 'script' && into.steps.length < mostSteps) {
      const own = isJoined ? { ...call, given: new Map([['KERNELRELEASE', followed.release], ...call.given]) } : call;
      if (call.module) into.kbuild.push(...kbuildOf(followed, call.module, commands, own));
      for (const recipe of recipesOf(followed, own, commands, environment)) follow(followed, recipe, into);
    }
  }
};

/** A text that a build starts with: MAKE, or a script. */
export interface Start {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly directive: string;
  readonly originOf: Commands['originOf'];
}

/** Scripts that a configure step generated are nobody's to mend. */
export const isGenerated = (text: string): boolean =>
  /Generated by GNU Autoconf|Generated from ltmain/.test(text.slice(0, 4000));

const longest = 1 << 19;

/** A script as a start of its own: none of what no shell runs, or nobody wrote. */
export const scriptStart = (file: string, text: string, directive: string): Start[] => {
  const isShells = /^(?:#!.*\b(?:ba|da|k)?sh\b|(?!#!))/.test(text);
  if (!isShells || isGenerated(text) || text.length > longest) return [];
  const originOf: Commands['originOf'] = (one, line) => {
    const lookup = lookupIn(one);
    return lookup === undefined ? undefined : { lookup, line };
  };
  return [{ text, file, line: 1, directive, originOf }];
};

/** The script of the source that a command of MAKE starts. */
const startedScript = (followed: Followed, words: readonly string[], from: Directory): Start[] => {
  const [program = '', ...rest] = words;
  const isShell = /^(?:\S*\/)?(?:ba|da|k)?sh$/.test(program);
  const script = isShell ? rest.find((word) => !word.startsWith('-')) : program.includes('/') ? program : undefined;
  if (script === undefined || from.kind !== 'source' || rest.includes('-c')) return [];
  const { kind, path } = { path: '', ...directoryOf(script, from, followed.places) };
  const text = kind === 'source' && path !== '' ? followed.read(path) : undefined;
  return text === undefined ? [] : scriptStart(path, text, 'MAKE');
};

/** Follow what a build runs. */
export const buildSteps = (followed: Followed, makes: readonly Start[], scripts: readonly Start[]): BuildSteps => {
  const into: { steps: Step[]; kbuild: KbuildFile[] } = { steps: [], kbuild: [] };
  const top = { from: { kind: 'source', path: '' } as const, given: new Map<string, string>(), depth: 0 };
  const environment = new Map<string, string>();
  for (const make of makes) follow(followed, { ...make, ...top, environment, by: 'conf' }, into);
  for (const script of scripts) follow(followed, { ...script, ...top, environment, by: 'script' }, into);
  return into;
};
