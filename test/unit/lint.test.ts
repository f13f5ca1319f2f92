import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The import rules hold only as long as breaking one fails: each is broken here, in a copy of the tree's shape. */

const repository = resolve(import.meta.dirname, '../..');
const biome = join(repository, 'node_modules/.bin/biome');

/** One line of code in a file; `#` in it stands for a number that no other line has. */
interface Line {
  readonly file: string;
  readonly code: string;
}

interface Offence extends Line {
  /** The rule that must speak. */
  readonly rule: string;
}

const uses = (from: string): string => `import { x as x# } from '${from}'; export const y# = x#;`;
const usesType = (from: string): string => `import type { X as X# } from '${from}'; export type Y# = X#;`;
const imports = (file: string, from: string): Offence => ({ file, code: uses(from), rule: 'noRestrictedImports' });

const offences: readonly Offence[] = [
  imports('src/engine/verbs/status.ts', '../../cli/dkms.ts'),
  imports('src/engine/doctor/doctor.ts', '../verbs/sync.ts'),
  imports('src/engine/lint/lint.ts', '../doctor/doctor.ts'),
  imports('src/engine/cluster/slurm.ts', '../lint/lint.ts'),
  imports('src/engine/trial/view.ts', '../cluster/slurm.ts'),
  imports('src/engine/pack/pack.ts', '../trial/view.ts'),
  imports('src/engine/register/archive.ts', '../verbs/sync.ts'),
  imports('src/engine/jobs/job.ts', '../register/operand.ts'),
  imports('src/engine/install/install.ts', '../jobs/job.ts'),
  imports('src/engine/plan/survey.ts', '../install/install.ts'),
  imports('src/engine/build/build.ts', '../plan/survey.ts'),
  imports('src/engine/registry/fetch.ts', '../build/build.ts'),
  imports('src/engine/store/put.ts', '../registry/fetch.ts'),
  imports('src/engine/key/key.ts', '../store/put.ts'),
  imports('src/engine/conf/conf.ts', '../key/key.ts'),
  imports('src/engine/tree/tree.ts', '../conf/conf.ts'),
  imports('src/engine/run/run.ts', '../tree/tree.ts'),
  imports('src/engine/boot/grub.ts', '../run/run.ts'),
  imports('src/engine/kernel/kernel.ts', '../boot/grub.ts'),
  imports('src/engine/state/record.ts', '../kernel/kernel.ts'),
  imports('src/engine/system/files.ts', '../state/record.ts'),
  imports('src/engine/system/files.ts', '../engine.ts'),
  imports('src/engine/request.ts', './system/files.ts'),
  imports('src/engine/request.ts', '../report/messages.ts'),
  imports('src/engine/engine.ts', './jobs/job.ts'),
  imports('src/engine/build/build.ts', '../../report/messages.ts'),
  imports('src/engine/system/exec.ts', '../../main.ts'),
  imports('src/cli/dkms.ts', '../engine/engine.ts'),
  imports('src/cli/dkms.ts', '../engine/system/files.ts'),
  imports('src/cli/dkms.ts', '../adapters/apt.ts'),
  imports('src/cli/dkms.ts', '../report/messages.ts'),
  imports('src/cli/dkms.ts', '../main.ts'),
  imports('src/adapters/apt.ts', '../engine/system/files.ts'),
  imports('src/adapters/apt.ts', '../cli/dkms.ts'),
  imports('src/report/lines.ts', '../engine/engine.ts'),
  imports('src/report/lines.ts', '../cli/dkms.ts'),
  imports('src/report/lines.ts', '../adapters/apt.ts'),
  imports('src/report/terminal.ts', '../engine/system/files.ts'),
  { file: 'src/engine/plan.ts', code: usesType('../adapters/events.ts'), rule: 'noRestrictedImports' },
  { file: 'src/engine/build/make.ts', code: uses('execa'), rule: 'plugin' },
  { file: 'src/engine/build/make.ts', code: uses('node:child_process'), rule: 'plugin' },
  { file: 'src/engine/build/make.ts', code: uses('child_process'), rule: 'plugin' },
  { file: 'src/engine/system/files.ts', code: uses('fs-extra'), rule: 'plugin' },
  { file: 'src/engine/system/exec.ts', code: uses('fs-extra'), rule: 'plugin' },
  { file: 'src/engine/plan/decide.ts', code: uses('dependency-graph'), rule: 'plugin' },
  { file: 'src/main.ts', code: uses('yargs'), rule: 'plugin' },
  { file: 'src/adapters/apt.ts', code: uses('yargs/helpers'), rule: 'plugin' },
  { file: 'src/report/lines.ts', code: uses('listr2'), rule: 'plugin' },
  { file: 'src/engine/plan.ts', code: "export const y# = await import('yargs');", rule: 'plugin' },
  { file: 'src/engine/conf/conf.ts', code: 'process.exit(1);', rule: 'plugin' },
  { file: 'src/report/json.ts', code: 'process.exit(1);', rule: 'plugin' },
  { file: 'src/report/json.ts', code: 'console.log(1);', rule: 'noConsole' },
  { file: 'src/engine/conf/conf.ts', code: "process.stdout.write('x');", rule: 'plugin' },
  { file: 'src/engine/conf/conf.ts', code: "process.stderr.write('x');", rule: 'plugin' },
  { file: 'src/engine/conf/conf.ts', code: 'export const y# = (x: any): unknown => x;', rule: 'noExplicitAny' },
  {
    file: 'src/engine/conf/conf.ts',
    code: 'export const y# = (x?: string): string => x!;',
    rule: 'noNonNullAssertion',
  },
];

const allowed: readonly Line[] = [
  { file: 'src/engine/system/exec.ts', code: uses('execa') },
  { file: 'src/engine/system/exec.ts', code: uses('../settings.ts') },
  { file: 'src/engine/system/publish.ts', code: uses('fs-extra') },
  { file: 'src/engine/plan/graph.ts', code: uses('dependency-graph') },
  { file: 'src/engine/build/build.ts', code: uses('../system/exec.ts') },
  { file: 'src/engine/build/build.ts', code: uses('./make.ts') },
  { file: 'src/engine/engine.ts', code: uses('./verbs/status.ts') },
  { file: 'src/engine/request.ts', code: uses('./errors.ts') },
  { file: 'src/cli/dkms.ts', code: uses('yargs') },
  { file: 'src/cli/dkms.ts', code: uses('../engine/request.ts') },
  { file: 'src/adapters/apt.ts', code: uses('./events.ts') },
  { file: 'src/report/terminal.ts', code: uses('listr2') },
  { file: 'src/report/live.ts', code: uses('listr2') },
  { file: 'src/report/lines.ts', code: uses('../engine/progress.ts') },
  { file: 'src/report/lines.ts', code: "process.stdout.write('x');" },
  { file: 'src/main.ts', code: uses('./engine/engine.ts') },
  { file: 'src/main.ts', code: 'process.exit(1);' },
];

let root = '';

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'kmodsort-lint-'));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Lint lines in a tree of their own under this repository's rules; what was said about each, in their order. */
const lint = (name: string, lines: readonly Line[]): string[][] => {
  const tree = join(root, name);
  for (const file of ['biome.json', 'lint']) cpSync(join(repository, file), join(tree, file), { recursive: true });
  for (const [index, { file, code }] of lines.entries()) {
    const path = join(tree, file);
    mkdirSync(dirname(path), { recursive: true });
    // Empty lines put each piece of code on the line of its index, whatever file it is in.
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const gap = '\n'.repeat(index - before.split('\n').length + 1);
    writeFileSync(path, `${before}${gap}${code.replaceAll('#', String(index))}\n`);
  }
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=github', '--colors=off', 'src'];
  const { stdout, error } = spawnSync(biome, args, { cwd: tree, encoding: 'utf8' });
  if (error) throw error;
  const said = stdout.split('\n').filter((line) => line.startsWith('::error'));
  return lines.map(({ file }, index) => said.filter((line) => line.includes(`/${file},line=${index + 1},`)));
};

test('each broken rule is reported, by the rule that is meant, and nothing else is', () => {
  const found = lint('all', [...offences, ...allowed]);
  const silent = offences.filter((offence, index) => !found[index]?.some((line) => line.includes(offence.rule)));
  // The broken lines make cycles with these, which have a test of their own.
  const said = (index: number): string[] => (found[index] ?? []).filter((line) => !line.includes('noImportCycles'));
  const refused = allowed.filter((_line, index) => said(offences.length + index).length > 0);
  expect({ silent, refused }).toEqual({ silent: [], refused: [] });
});

test('a cycle of imports is reported', () => {
  const found = lint('cycle', [
    { file: 'src/engine/a.ts', code: "import { b } from './b.ts'; export const a = (): unknown => b;" },
    { file: 'src/engine/b.ts', code: "import { a } from './a.ts'; export const b = (): unknown => a;" },
  ]);
  expect(found[0]?.join()).toContain('noImportCycles');
});
