import type { Finding } from '../findings.ts';
import { lookupIn } from './lookup.ts';
import type { SourceRule } from './source.ts';
import type { Step } from './steps.ts';

/** Builds for the kernel that runs, in place of the one that is asked for. */

const inConf: SourceRule = ({ confLines, shown }) =>
  confLines.flatMap((line, index): Finding[] => {
    const lookup = /^\s*#/.test(line) ? undefined : lookupIn(line);
    return lookup === undefined ? [] : [{ rule: 'running-kernel', file: shown('dkms.conf'), line: index + 1, lookup }];
  });

/** Words that only say something. */
const isTalk = (words: readonly string[]): boolean => /^(?:echo|printf|true|:)$/.test(words[0] ?? '');

/** What a script sets first and then, under some condition, to something else. */
const isOnlyDefault = (step: Step, steps: readonly Step[]): boolean => {
  const [name] = (step.assignments[0] ?? '').split('=');
  if (step.words.length > 0 || !name) return false;
  return steps.some(
    ({ file, assignments, line }) =>
      file === step.file && line !== step.line && assignments.some((word) => word.startsWith(`${name}=`)),
  );
};

/** Recipes that MAKE leads to; in scripts what no condition stands above. */
const inSteps: SourceRule = ({ steps, shown }) =>
  steps
    .filter(({ words }) => !isTalk(words))
    .filter((step) => step.by !== 'script' || (step.depth === 0 && !isOnlyDefault(step, steps)))
    .flatMap(({ file, origin, line, words }): Finding[] => {
      if (!origin) return [];
      const { lookup, variable } = origin;
      const reaches = variable !== undefined ? words.slice(0, 3).join(' ') : undefined;
      return [
        {
          rule: 'running-kernel',
          file: shown(file),
          line: variable === undefined ? line : origin.line,
          lookup,
          ...(variable === undefined ? {} : { variable }),
          ...(reaches === undefined ? {} : { reaches }),
        },
      ];
    });

/** What kbuild hands to compiler and modpost. */
const flags =
  /^(?:ccflags-y|EXTRA_CFLAGS|CFLAGS_\S+|subdir-ccflags-y|asflags-y|ldflags-y|KBUILD_\w+|obj-\S+|NOSTDINC_FLAGS|LINUXINCLUDE)$/;

const inKbuild: SourceRule = ({ kbuild, shown }) =>
  kbuild.flatMap(({ file, model }) =>
    model.assigned
      .filter(({ name, isSure }) => isSure && flags.test(name))
      .flatMap(({ name, value, line }): Finding[] => {
        const lookup = lookupIn(value);
        if (lookup === undefined) return [];
        const origin = model.originOf(value, line);
        return [{ rule: 'running-kernel', file: shown(file), line: origin?.line ?? line, lookup, reaches: name }];
      }),
  );

/** The other way to miss the kernel: the release that dkms sets is taken for kbuild's. */
const hiddenGoals: SourceRule = ({ steps, shown }) =>
  steps.flatMap(({ file, line, hiddenGoal }): Finding[] =>
    hiddenGoal === undefined ? [] : [{ rule: 'release-guard', file: shown(file), line, goal: hiddenGoal }],
  );

export const runningKernelRules: readonly SourceRule[] = [inConf, inSteps, inKbuild, hiddenGoals];
