import type { MatrixAnswer } from './engine/answers.ts';
import { readText } from './engine/system/files.ts';
import { writeAtomic } from './engine/system/publish.ts';
import { type Cell, matrixPage } from './report/matrix-page.ts';
import type { ReportContext } from './report/report.ts';

/** The page of a matrix, with the logs of what failed in it. */

/** Characters of a log: the end says why. */
const most = 64 * 1024;

const logOf = ({ outcome }: MatrixAnswer['rows'][number]): string | undefined => {
  const path = outcome.kind === 'failed' ? outcome.failure.log : undefined;
  return path === undefined ? undefined : readText(path)?.slice(-most);
};

/**
 * Write the page.
 *
 * @param path absolute; replaced as a whole. Throws what the file system says.
 */
export const writePage = (answer: MatrixAnswer, path: string, context: ReportContext): void => {
  const logs = new Map<Cell, string>();
  for (const row of answer.rows) {
    const log = logOf(row);
    if (log !== undefined) logs.set(row, log);
  }
  writeAtomic(path, matrixPage(answer, logs, new Date().toISOString(), context));
};
