import type { MatrixAnswer, Row } from '../engine/answers.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureDetail, failureHelp } from './failures.ts';
import { gridOf } from './matrix.ts';
import { pageScript, pageStyle } from './matrix-page-parts.ts';
import { counted, duration, localTime, outcomeReason } from './messages.ts';
import type { ReportContext } from './report.ts';
import { wordOf } from './rows.ts';

/** A matrix as one page that needs nothing else: the grid, a filter, and behind each cell its reason and its log. */

export type Cell = Row;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character] ?? character);

/** A word as the name of a class. */
const classOf = (word: string): string => word.toLowerCase().replace(/\W+/g, '-');

const reasonOf = (row: Row): string[] => {
  const { outcome, seconds } = row;
  const failure = outcome.kind === 'failed' ? outcome.failure : undefined;
  const lines = [
    outcomeReason(outcome),
    failure && failureDetail(failure),
    failure && failureHelp(failure),
    seconds === undefined ? undefined : duration(seconds),
  ];
  return lines.filter((line) => line !== undefined);
};

const cellOf = (row: Row | undefined, id: string, context: ReportContext): string => {
  if (row === undefined) return '<td>-</td>';
  const word = wordOf(row, context);
  const [reason = ''] = reasonOf(row);
  return `<td class="${classOf(word)}"><button type="button" data-open="${id}" title="${escaped(reason)}">${escaped(word)}</button></td>`;
};

const dialogOf = (row: Row, id: string, log: string | undefined, context: ReportContext): string =>
  [
    `<dialog id="${id}"><form method="dialog"><button>Close</button></form>`,
    `<h2>${escaped(`${wordOf(row, context)}: ${moduleLabel(row.module)}, ${row.kernel.release}`)}</h2>`,
    ...reasonOf(row).map((line) => `<p>${escaped(line)}</p>`),
    ...(log === undefined ? [] : [`<pre>${escaped(log)}</pre>`]),
    '</dialog>',
  ].join('\n');

/** A state and how many have it, to be switched on and off. */
const stateBoxes = (answer: MatrixAnswer, context: ReportContext): string => {
  const words = answer.rows.map((row) => wordOf(row, context));
  return [...new Set(words)]
    .sort()
    .map((word) => {
      const count = words.filter((one) => one === word).length;
      return `<label><input type="checkbox" data-state="${classOf(word)}" checked> ${escaped(`${count} ${word}`)}</label>`;
    })
    .join('\n');
};

/**
 * The page, in HTML.
 *
 * @param logs of what failed
 * @param at when it was made, ISO 8601
 */
export const matrixPage = (
  answer: MatrixAnswer,
  logs: ReadonlyMap<Cell, string>,
  at: string,
  context: ReportContext,
): string => {
  const { modules, releases, at: rowAt } = gridOf(answer);
  const ids = new Map(answer.rows.map((row, index) => [row, `cell-${index}`]));
  const idOf = (row: Row | undefined): string => (row && ids.get(row)) ?? '';
  const head = modules.map((name) => `<th scope="col">${escaped(name)}</th>`).join('');
  const body = releases.map((release) => {
    const cells = modules.map((module) => cellOf(rowAt(release, module), idOf(rowAt(release, module)), context));
    return `<tr><th scope="row">${escaped(release)}</th>${cells.join('')}</tr>`;
  });
  const title = `${counted(modules.length, 'module')} on ${counted(releases.length, 'kernel')}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${escaped(`${localTime(at)}, in ${duration(answer.seconds)}`)}</p>
<p><label>Module or kernel <input type="search" id="filter"></label>
${stateBoxes(answer, context)}</p>
<div class="grid"><table>
<thead><tr><td></td>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>
${answer.rows.map((row) => dialogOf(row, idOf(row), logs.get(row), context)).join('\n')}
<script>${pageScript}</script>
</body>
</html>
`;
};
