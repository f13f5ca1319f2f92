import type { LogAnswer, StatusAnswer, StatusEntry } from '../engine/answers.ts';
import type { PassedOver } from '../engine/outcome.ts';
import { moduleLabel, type StatusRequest, sameModule } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { kernelSkipped, localTime, outcomeReason } from './messages.ts';

const passedOverText = (outcome: PassedOver, at: string | undefined): string => {
  const reason = outcomeReason(outcome) ?? '';
  const since = at === undefined ? '' : `; since ${localTime(at)}`;
  return outcome.kind === 'blocked' ? `${reason}${since}` : `${outcome.kind}: ${reason}${since}`;
};

const stateOf = (entry: StatusEntry): string => {
  if (entry.triedAt)
    return `${entry.failure ? 'not ready' : 'ready'} (tried ${localTime(entry.triedAt)}; not installed yet)`;
  const remarks = [
    ...(entry.originals ? ["the kernel's own module is saved"] : []),
    ...(entry.objectsMissing ? ['built objects missing'] : []),
    ...(entry.passedOver ? [passedOverText(entry.passedOver, entry.passedOverAt)] : []),
    ...(entry.differences ? ['installed files missing or modified'] : []),
  ];
  return remarks.length > 0 ? `${entry.state} (${remarks.join('; ')})` : entry.state;
};

const failureLines = ({ failure, failedAt }: StatusEntry): string[] => {
  if (!failure) return [];
  const failed = `  FAILED${failedAt ? ` ${localTime(failedAt)}` : ''}: ${failureInOneLine(failure)}`;
  return failure.log ? [failed, `  log ${failure.log}`] : [failed];
};

/** What there is to say where no line is. */
export const noEntries = ({ onlyFailed, name }: StatusRequest): string => {
  if (onlyFailed) return 'nothing has failed';
  return name === undefined ? 'no modules in the dkms tree' : `no module ${name} in the dkms tree`;
};

/** The kernels that are passed over. */
export const skippedLines = (skipped: StatusAnswer['skipped']): string[] =>
  skipped.map(({ release, setting }) => kernelSkipped(release, setting));

/** The kernels that are held back. */
export const heldLines = (hold: StatusAnswer['hold']): string[] =>
  (hold?.held ?? []).map(
    ({ release, missing }) =>
      `${release} is held back by boot_guard, ${missing.join(', ')} will not load there: ${hold?.prefer} is booted by default`,
  );

/** One line for each known module and kernel, with the remembered failure below it, then the kernels that are passed over. */
export const statusLines = (
  { entries, hold, skipped }: Omit<StatusAnswer, 'kind'>,
  request: StatusRequest,
): string[] => {
  if (entries.length === 0) return [noEntries(request)];
  const lines = entries.flatMap((entry) => {
    const kernel = entry.kernel ? `, ${entry.kernel.release}, ${entry.kernel.arch}` : '';
    return [`${moduleLabel(entry.module)}${kernel}: ${stateOf(entry)}`, ...failureLines(entry)];
  });
  return [...lines, ...heldLines(hold), ...skippedLines(skipped)];
};

/** What only says why nothing is built is no state of its own: `added` counts where there is nothing else to say. */
const withoutReasons = (entries: readonly StatusEntry[]): StatusEntry[] => {
  const isOnlyReason = ({ state, failure, passedOver }: StatusEntry): boolean =>
    state === 'added' && (failure ?? passedOver) !== undefined;
  const isSame = (a: StatusEntry, b: StatusEntry): boolean => sameModule(a.module, b.module);
  return entries.filter((entry, index) => {
    if (!isOnlyReason(entry)) return true;
    const first = entries.findIndex((other) => isSame(other, entry));
    return first === index && !entries.some((other) => isSame(other, entry) && !isOnlyReason(other));
  });
};

/**
 * Status lines that scripts written for dkms scrape: nothing is known, nothing is said. A failure has no
 * line of its own there.
 *
 * @param eachKernel kernels were named: there is a line for each
 */
export const dkmsStatusLines = (all: readonly StatusEntry[], eachKernel: boolean): string[] => {
  const entries = all.filter(({ triedAt }) => triedAt === undefined);
  return (eachKernel ? entries : withoutReasons(entries))
    .map((entry) => {
      const label = moduleLabel(entry.module);
      if (entry.weakFrom && entry.kernel) {
        const { name, version } = entry.module;
        return `${name}, ${version}, ${entry.kernel.release}, ${entry.kernel.arch}: installed-weak from ${entry.weakFrom}`;
      }
      if (entry.state === 'added' || entry.state === 'broken') return `${label}: ${entry.state}`;
      const originals = entry.originals ? ' (Original modules exist)' : '';
      const rest = entry.objectsMissing
        ? ' (Built modules are missing in the kernel modules folder)'
        : entry.differences
          ? ' (Differences between built and installed modules)'
          : '';
      return `${label}, ${entry.kernel?.release}, ${entry.kernel?.arch}: ${entry.state}${originals}${rest}`;
    })
    .filter((line, index, lines) => lines.indexOf(line) === index || line.endsWith(': added'));
};

/** One remembered failure, and its whole log as it is. */
export const logText = (answer: LogAnswer): string => {
  const { module, kernel, failure } = answer;
  const head = [
    `${moduleLabel(module)}, ${kernel.release}, ${kernel.arch}: ${failureInOneLine(failure)}`,
    `failed ${localTime(answer.failedAt)}`,
    answer.text === undefined
      ? `the log is gone${failure.log ? `: ${failure.log}` : ''}`
      : `log ${failure.log ?? ''}`.trimEnd(),
  ].join('\n');
  if (answer.text === undefined) return `${head}\n`;
  return `${head}\n\n${answer.text}${answer.text.endsWith('\n') ? '' : '\n'}`;
};
