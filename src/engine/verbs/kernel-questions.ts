import { join } from 'node:path';
import { type Identity, kbuildCompiler, toolsFor } from '../kernel/compiler.ts';
import { kernelFacts } from '../kernel/kernel.ts';
import { kernelPackageOf } from '../kernel/kernel-package.ts';
import { ownVermagic } from '../kernel/own-modules.ts';
import { headersVermagic } from '../kernel/vermagic.ts';
import { areUntouched, headersContents, kbuildContents } from '../key/headers.ts';
import { vermagicFor } from '../key/vermagics.ts';
import { type Given, type Kernel, kernelKey } from '../request.ts';
import type { Memory, Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import type { Argv, Processes } from '../system/exec.ts';

/** What a run asks about kernels and the programs that build for them, each once. */

/** The value for a key, made at the first question. */
export const remembered = <Value>(make: (kernel: Kernel) => Value): ((kernel: Kernel) => Value) => {
  const known = new Map<string, Value>();
  return (kernel) => {
    const key = kernelKey(kernel);
    const value = known.has(key) ? known.get(key) : undefined;
    if (value !== undefined) return value;
    const made = make(kernel);
    known.set(key, made);
    return made;
  };
};

type AskTool = (argv: Argv) => Promise<Identity>;

/** What a program says of itself, asked once. */
export const askedOnce = (ask: AskTool): AskTool => {
  const answers = new Map<string, Promise<Identity>>();
  return (argv) => {
    const [program] = argv;
    const answer = answers.get(program) ?? ask(argv);
    answers.set(program, answer);
    return answer;
  };
};

/** Milliseconds of the clock, and of a time that nobody sets. */
interface Moment {
  readonly clock: number;
  readonly monotonic: number;
}

const momentNow = (): Moment => ({ clock: Date.now(), monotonic: performance.now() });

/** Times of files say nothing then. */
const wasClockSet = (since: Moment): boolean => {
  const now = momentNow();
  return Math.abs(now.clock - since.clock - (now.monotonic - since.monotonic)) > 500;
};

export type KernelQuestions = Pick<
  Run,
  'factsOf' | 'toolsOf' | 'headersOf' | 'areHeadersUntouched' | 'vermagicOf' | 'kernelPackageOf'
>;

/** What is asked about kernels, each once; `place` is for what it takes to answer. */
export const kernelQuestions = (
  {
    settings,
    memory,
    processes,
  }: { readonly settings: Settings; readonly memory: Memory; readonly processes: Processes },
  { kernelSource, kernelConfig }: Given,
  place: string,
  askTool: AskTool,
): KernelQuestions => {
  const factsOf = remembered((kernel) => kernelFacts(settings, kernel, kernelSource, kernelConfig));
  const looks = new Map<string, Moment>();
  const headersOf = remembered((kernel) => {
    looks.set(kernelKey(kernel), momentNow());
    return {
      headers: headersContents(memory, factsOf(kernel)).hashWithout([]),
      kbuild: kbuildContents(memory, factsOf(kernel)).hashWithout([]),
    };
  });
  const areHeadersUntouched = async (kernel: Kernel): Promise<boolean> => {
    const since = looks.get(kernelKey(kernel));
    return since !== undefined && !wasClockSet(since) && areUntouched(processes, factsOf(kernel), since.clock);
  };
  const askVermagic = (kernel: Kernel): Promise<string | undefined> => {
    const facts = factsOf(kernel);
    // Only who takes builds without headers asks the kernel's own modules.
    return facts.headers === undefined && settings.prebuilt.from !== undefined
      ? ownVermagic({ processes, scratch: place }, facts.directory)
      : headersVermagic(facts, join(place, kernel.release), processes);
  };
  return {
    factsOf,
    toolsOf: remembered(async (kernel) => {
      const facts = factsOf(kernel);
      return toolsFor(facts, await kbuildCompiler(facts, processes), askTool);
    }),
    headersOf,
    areHeadersUntouched,
    kernelPackageOf: remembered(async (kernel) => {
      const facts = factsOf(kernel);
      const coming = settings.comingPackages?.[kernel.release];
      const own = facts.headers === undefined ? coming?.kernel : coming?.headers;
      return own ?? kernelPackageOf(processes, settings.distribution, facts);
    }),
    vermagicOf: remembered((kernel) => vermagicFor(memory, headersOf(kernel), () => askVermagic(kernel))),
  };
};
