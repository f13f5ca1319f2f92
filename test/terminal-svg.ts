/** What stands on a terminal as a picture: text with its colours, in SVG. */

const size = { character: 8.4, line: 18, margin: 14 };
const colours: Readonly<Record<string, string>> = { '31': '#ff6b68', '32': '#7ec86b' };
const ink = '#d8dee9';

interface Style {
  readonly colour: string;
  readonly isBold: boolean;
}

const plain: Style = { colour: ink, isBold: false };

/** Select Graphic Rendition. Source: ECMA-48, SGR. */
const afterCode = (style: Style, code: string): Style => {
  if (code === '' || code === '0') return plain;
  if (code === '1') return { ...style, isBold: true };
  if (code === '22') return { ...style, isBold: false };
  if (code === '39') return { ...style, colour: ink };
  return { ...style, colour: colours[code] ?? style.colour };
};

const afterCodes = (style: Style, codes: string): Style => codes.split(';').reduce(afterCode, style);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The pieces of a line between its escape sequences. */
const pieces = (line: string, first: Style): { readonly spans: string; readonly last: Style } => {
  let style = first;
  let spans = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with one.
  for (const [, codes, text = ''] of line.matchAll(/(?:\u001b\[([\d;]*)m)?([^\u001b]*)/g)) {
    if (codes !== undefined) style = afterCodes(style, codes);
    const bold = style.isBold ? ' font-weight="bold"' : '';
    if (text !== '') spans += `<tspan fill="${style.colour}"${bold}>${escaped(text)}</tspan>`;
  }
  return { spans, last: style };
};

/**
 * A picture of some lines.
 *
 * @param text as a terminal has it, with colours as escape sequences
 * @param columns its width
 * @param title for who cannot see it
 */
export const terminalSvg = (text: string, columns: number, title: string): string => {
  const lines = text.replace(/\n+$/, '').split('\n');
  const width = Math.ceil(columns * size.character + 2 * size.margin);
  const height = lines.length * size.line + 2 * size.margin;
  let style = plain;
  const rows = lines.map((line, index) => {
    const { spans, last } = pieces(line, style);
    style = last;
    return `  <text x="${size.margin}" y="${size.margin + 13 + index * size.line}" xml:space="preserve">${spans}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="14">`,
    `  <title>${escaped(title)}</title>`,
    `  <rect width="${width}" height="${height}" rx="8" fill="#20242c"/>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
};
