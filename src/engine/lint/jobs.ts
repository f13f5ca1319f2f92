import type { Finding } from '../findings.ts';
import { isMake } from './make-call.ts';
import type { SourceRule } from './source.ts';
import type { Step } from './steps.ts';

/** Builds that do not keep to the budget of jobs: GNU make manual, "POSIX Jobserver". */

const short = (words: readonly string[]): string => {
  const text = words.join(' ');
  return text.length > 50 ? `${text.slice(0, 50)}…` : text;
};

const ownJobs: SourceRule = ({ steps, shown }) =>
  steps
    .filter(({ by }) => by !== 'script')
    .flatMap(({ call, file, line }): Finding[] =>
      call?.jobs === undefined ? [] : [{ rule: 'own-jobs', file: shown(file), line, word: call.jobs }],
    );

/** dkms takes `make` at the start of MAKE; quoted there it is a way of saying that it shall not. */
const notJoined: SourceRule = ({ steps, raw, shown }) => {
  const quoted = [...(raw?.values.get('MAKE')?.values() ?? [])].some((text) => /^\s*['"\\]make/.test(text));
  if (quoted) return [];
  return steps
    .filter((step) => isOfMake(step) && step.call !== undefined && !step.isJoined)
    .map(
      ({ file, line, call }): Finding => ({
        rule: 'jobserver-not-joined',
        file: shown(file),
        line,
        command: ['make', ...(call?.goals ?? [])].join(' '),
      }),
    );
};

/** In MAKE, or in a script that it starts. */
const isOfMake = ({ by, directive }: Step): boolean => by === 'conf' || (by === 'script' && directive === 'MAKE');

const cutsJobserver = ({ words, assignments }: Step): boolean =>
  assignments.some((word) => /^(?:MAKEFLAGS|MFLAGS)=/.test(word)) ||
  (words[0] === 'unset' && words.includes('MAKEFLAGS')) ||
  (words[0] === 'env' && words.some((word) => /^(?:-i|--ignore-environment|-)$/.test(word)) && words.some(isMake)) ||
  (words[0] === 'env' && words.some((word) => /^MAKEFLAGS=/.test(word)));

const cut: SourceRule = ({ steps, shown }) =>
  steps
    .filter((step) => step.by !== 'script' && (step.isPlainMake || cutsJobserver(step)))
    .map(
      (step): Finding => ({
        rule: 'jobserver-cut',
        file: shown(step.file),
        line: step.line,
        command: short([...step.assignments, ...step.words]),
      }),
    );

export const jobRules: readonly SourceRule[] = [ownJobs, notJoined, cut];
