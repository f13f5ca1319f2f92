#!/usr/bin/env node
// The program, as files that run on Node alone: `node packaging/bundle.mjs`. With an entry and an output: one file of it.
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const repository = resolve(import.meta.dirname, '..');
const dist = join(repository, 'dist');
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

// Packages written as CommonJS call require() for what Node itself brings.
const banner = [
  "import { createRequire as kmodsortCreateRequire } from 'node:module';",
  'const require = kmodsortCreateRequire(import.meta.url);',
].join('\n');

// Not minified: people read stack traces, and distributions read sources.
const common = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'eof',
  banner: { js: banner },
  define: { KMODSORT_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};

// What is imported only when it is needed and costs more to parse than a question takes to answer: files of their own.
const doors = [
  'adapters/errand',
  'adapters/hook-request',
  'announce',
  'cli/dkms',
  'cli/kmodsort',
  'engine/system/exec',
  'engine/verbs/boot-guard',
  'engine/verbs/change',
  'engine/verbs/doctor',
  'engine/verbs/guard',
  'engine/verbs/lint',
  'engine/verbs/matrix',
  'engine/verbs/pack',
  'engine/verbs/produce',
  'engine/verbs/push',
  'engine/verbs/store',
  'engine/verbs/try',
  'engine/verbs/verify',
  'engine/verbs/why',
  'page',
  'report/json',
  'report/relay',
  'report/terminal',
].map((name) => join(repository, 'src', `${name}.ts`));

const session = join(repository, 'src/session.ts');

const doorName = (path) => path.slice(join(repository, 'src/').length, -'.ts'.length).replaceAll('/', '-');

/** Imports of doors, and of the session from main.ts, lead to those files, which are in `directory` from there. */
const opensDoors = (directory) => ({
  name: 'doors',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
      const file = resolve(resolveDir, path);
      if (kind !== 'dynamic-import' || !(doors.includes(file) || file === session)) return undefined;
      return { path: `${directory}/${doorName(file)}.mjs`, external: true };
    });
  },
});

const buildOne = (entryPoint, outfile, directory) =>
  build({ ...common, entryPoints: [entryPoint], outfile, plugins: [opensDoors(directory)] });

/** The one file that every start reads: the process and plain command lines. */
const buildFront = () => buildOne(join(repository, 'src/main.ts'), join(dist, 'kmodsort.mjs'), './lib');

/** What every run reads, with all that answers questions and nothing that changes something. */
const buildSession = () => buildOne(session, join(dist, 'lib/session.mjs'), '.');

const buildDoors = () =>
  build({
    ...common,
    entryPoints: Object.fromEntries(doors.map((path) => [doorName(path), path])),
    outdir: join(dist, 'lib'),
    outExtension: { '.js': '.mjs' },
    splitting: true,
  });

const [entry, output] = process.argv.slice(2);
if (entry) {
  await build({ ...common, entryPoints: [entry], outfile: output });
} else {
  rmSync(join(dist, 'lib'), { recursive: true, force: true });
  await Promise.all([buildFront(), buildSession(), buildDoors()]);
  chmodSync(join(dist, 'kmodsort.mjs'), 0o755);
}
