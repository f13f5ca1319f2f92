/** Text that finds a kernel by what happens to run or to be linked, not by the one that is built for. Pure. */

const lookups = [
  /\$\(shell\s+[^()]*\buname\s+-\w*r\w*\b[^()]*\)/,
  /\$\(\s*uname\s+-\w*r\w*\s*\)/,
  /`[^`]*\buname\s+-\w*r\w*\b[^`]*`/,
  /\$\((?:shell\s+)?ls\b[^()]*\/lib\/modules\b[^()]*\)/,
  /`ls\b[^`]*\/lib\/modules\b[^`]*`/,
  /\/proc\/(?:version|sys\/kernel\/osrelease)\b/,
  /\/usr\/src\/linux(?![\w-])/,
] as const;

/** A default that is taken only where nothing was given: `${1:-$(uname -r)}`. */
const fallback = /\$\{\w+:?[-=]\s*(?:\$\([^()]*\)|`[^`]*`)[^}]*\}/g;

/** The first of them in a text. */
export const lookupIn = (text: string): string | undefined => {
  const without = text.replaceAll(fallback, '');
  for (const lookup of lookups) {
    const [found] = lookup.exec(without) ?? [];
    if (found !== undefined) return found;
  }
  return undefined;
};
