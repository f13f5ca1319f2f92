import type { Summary } from './engine/answers.ts';
import type { Settings } from './engine/settings.ts';
import {
  openDueOf,
  openFailuresOf,
  publishLoginNotice,
  publishRequiredNotices,
  tellJournal,
} from './engine/verbs/notices.ts';
import type { ExitPolicy } from './report/exit-status.ts';
import { journalLines, loginText, requiredTexts } from './report/notices.ts';
import type { ReportContext } from './report/report.ts';

/**
 * Leave word of a run that changed something, for those who did not watch it: at the login, in the journal, and
 * for apt at the end of its own run. A place that cannot be written is not worth another failure.
 */
export const announce = async (
  summary: Summary,
  settings: Settings,
  exitPolicy: ExitPolicy,
  context: ReportContext,
): Promise<void> => {
  try {
    publishLoginNotice(settings, loginText(openFailuresOf(settings), openDueOf(settings)));
    if (exitPolicy === 'apt') publishRequiredNotices(settings, requiredTexts(summary, context));
    if (context.request.verb === 'sync' && context.request.origin === 'hook') {
      await tellJournal(settings, journalLines(summary));
    }
  } catch {
    // The summary has said it already.
  }
};
