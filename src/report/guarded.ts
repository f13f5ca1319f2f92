import type { GuardAnswer, GuardBuild } from '../engine/answers.ts';
import type { Failure } from '../engine/errors.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureDetail, failureHelp, failureInOneLine, failureSentence } from './failures.ts';
import { outcomeReason } from './messages.ts';

/** What was found without building. */
const findingLines = ({ findings }: GuardAnswer): string[] =>
  findings.map(
    ({ module, release, rule, value, required }) =>
      `kmodsort: ${required ? 'STOP' : 'warning'}: ${moduleLabel(module)} cannot be built for the incoming kernel ${release}: ${rule}=${value}`,
  );

const reasonOf = ({ row: { outcome } }: GuardBuild): string => {
  if (outcome.kind !== 'failed') return outcomeReason(outcome) ?? outcome.kind;
  const detail = failureDetail(outcome.failure);
  return detail === undefined ? failureSentence(outcome.failure) : `${failureSentence(outcome.failure)}: ${detail}`;
};

/** What nobody has tried to build does not fail to. */
const verdictWords = (failure: Failure | undefined): string =>
  failure?.kind === 'prebuilt-missing' || failure?.kind === 'prebuilt-refused'
    ? 'cannot be installed'
    : 'does not build';

const buildLines = (build: GuardBuild): string[] => {
  const { row, verdict } = build;
  if (verdict === 'ready') return [];
  const { outcome } = row;
  const failure = outcome.kind === 'failed' ? outcome.failure : undefined;
  const what = verdict === 'untried' ? 'was not tried' : verdictWords(failure);
  const help = failure && failureHelp(failure);
  return [
    `kmodsort: ${verdict === 'stop' ? 'STOP' : 'warning'}: ${moduleLabel(row.module)} ${what} for the incoming kernel ${row.kernel.release}: ${reasonOf(build)}`,
    ...(failure?.log ? [`kmodsort:   log   ${failure.log}`] : []),
    ...(help ? [`kmodsort:   help  ${help}`] : []),
  ];
};

/** What a transaction would take away; empty where there is nothing to say. */
export const guardedLines = (answer: GuardAnswer): string[] => {
  const { findings, builds, untried } = answer;
  const stopping = [
    ...findings.filter(({ required }) => required).map(({ module }) => module.name),
    ...builds.filter(({ verdict }) => verdict === 'stop').map(({ row }) => row.module.name),
  ];
  return [
    ...findingLines(answer),
    ...builds.flatMap(buildLines),
    ...(untried ? [`kmodsort: warning: the incoming kernels were not tried: ${failureInOneLine(untried)}`] : []),
    ...(stopping.length > 0
      ? [
          `kmodsort: ${[...new Set(stopping)].join(', ')} must not be missing (required_modules): nothing was changed`,
          'kmodsort: to continue anyway, run the same command with sudo KMODSORT_GUARD=off, or hold the kernel back',
        ]
      : []),
  ];
};
