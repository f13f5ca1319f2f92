import type { Transaction } from './adapters/transaction.ts';
import type { Row, Summary } from './engine/answers.ts';
import { isFailedOrBlocked } from './engine/outcome.ts';
import { kernelKey, moduleLabel } from './engine/request.ts';
import type { Settings } from './engine/settings.ts';
import { rememberTold, toldIn } from './engine/state/told.ts';
import {
  openDueOf,
  openFailuresOf,
  openHoldOf,
  publishEndNotices,
  publishLoginNotice,
  tellJournal,
} from './engine/verbs/notices.ts';
import type { ExitPolicy } from './report/exit-status.ts';
import { endTexts, journalLines, loginText } from './report/notices.ts';
import type { ReportContext } from './report/report.ts';

const idOf = ({ module, kernel }: Row): string => `${moduleLabel(module)}@${kernelKey(kernel)}`;

/** Of what was not tried again: whether an earlier hook of this transaction has said it. */
export const toldBefore = ({ stateDir }: Settings, { id }: Transaction): ReportContext['isTold'] => {
  const told = toldIn(stateDir, id);
  return (row) => told.has(idOf(row)) && (row.outcome.kind !== 'failed' || row.outcome.remembered);
};

/** What is announced besides the summary itself. */
interface Occasion {
  readonly exitPolicy: ExitPolicy;
  readonly transaction: Transaction | undefined;
}

/** What every login is told, as it is now. */
export const tellAtLogin = (settings: Settings): void =>
  publishLoginNotice(settings, loginText(openFailuresOf(settings), openDueOf(settings), openHoldOf(settings)));

/**
 * Leave word of a run that changed something, for those who did not watch it: at the login, in the journal, and
 * for apt at the end of its own run. A place that cannot be written is not worth another failure.
 */
export const announce = async (
  summary: Summary,
  settings: Settings,
  { exitPolicy, transaction }: Occasion,
  context: ReportContext,
): Promise<void> => {
  try {
    tellAtLogin(settings);
    if (exitPolicy === 'apt') {
      const { required, failed } = endTexts(summary, context);
      publishEndNotices(settings, { required, failed: transaction?.saysAtEnd ? failed : new Map() });
    }
    if (transaction) {
      const bad = summary.rows.filter(({ outcome }) => isFailedOrBlocked(outcome));
      rememberTold(settings.stateDir, transaction.id, bad.map(idOf));
    }
    if (context.request.verb === 'sync' && context.request.origin === 'hook') {
      await tellJournal(settings, journalLines(summary, context));
    }
  } catch {
    // The summary has said it already.
  }
};
