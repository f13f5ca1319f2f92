import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './kernels.ts';
import { lintCorpus } from './lint-packages.ts';

/**
 * Prints what `kmodsort lint` says of every module package of Debian main, and ends with 1 if nobody has looked at some of
 * it, or if it is not said any more. `--write` puts the table into docs/lint.md.
 */

const { table, unknown, outdated } = lintCorpus();
if (process.argv.includes('--write')) {
  const page = join(repository, 'docs', 'lint.md');
  const marked = /(<!-- corpus -->\n)[\s\S]*(<!-- \/corpus -->)/;
  const text = readFileSync(page, 'utf8').replace(
    marked,
    (_all, head: string, foot: string) => `${head}${table}\n${foot}`,
  );
  writeFileSync(page, text);
}
process.stdout.write(`${table}\n`);
for (const one of unknown) process.stderr.write(`not looked at: ${one}\n`);
for (const one of outdated) process.stderr.write(`no longer said: ${one}\n`);
process.exitCode = unknown.length + outdated.length > 0 ? 1 : 0;
