import type { Word } from '../engine/errand.ts';
import type { Report, ReportContext } from './report.ts';

/** The report for another run of ours that waits for this one: all that happens, a line of JSON each. */
export const relayReport = ({ out }: ReportContext): Report => {
  const say = (word: Word): void => out.write(`${JSON.stringify(word)}\n`);
  return {
    onProgress: (progress) => say({ progress }),
    finish: (answer) => {
      if (answer.kind === 'summary' || answer.kind === 'plan') say({ answer });
    },
  };
};
