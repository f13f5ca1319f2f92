#!/usr/bin/env node
// One file that runs on Node alone: `node packaging/bundle.mjs [entry output]`.
import { chmodSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const repository = resolve(import.meta.dirname, '..');
const [entry = join(repository, 'src/main.ts'), output = join(repository, 'dist/kmodsort.mjs')] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

// Packages written as CommonJS call require() for what Node itself brings.
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as kmodsortCreateRequire } from 'node:module';",
  'const require = kmodsortCreateRequire(import.meta.url);',
].join('\n');

// No splitting: what main.ts imports with `await import` stays in this one file, in a function that
// runs at that moment. Not minified: people read stack traces, and distributions read sources.
await build({
  entryPoints: [entry],
  outfile: output,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'eof',
  banner: { js: banner },
  define: { KMODSORT_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
chmodSync(output, 0o755);
