import { quoteWord } from '../engine/system/shell.ts';

/** A matrix as jobs of a CI system, one for each kernel: for authors without a machine of their own to build on. */

export const ciSystems = ['github', 'gitlab'] as const;

export type CiSystem = (typeof ciSystems)[number];

/** What the jobs are made from. */
export interface CiMatrix {
  /** Modules as they were typed. */
  readonly modules: readonly string[];
  readonly releases: readonly string[];
}

/** A plain word may be taken for a number, `6.1`, or something else by YAML. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const header = (system: CiSystem): string[] => [
  `# Made by: kmodsort matrix --print ${system}`,
  '# KMODSORT_PACKAGE: the package of kmodsort, a file of this repository (npm run package makes it).',
];

/** Headers come with apt-get, the ones of that release alone. */
const install = ['apt-get update', 'apt-get install --yes "./$KMODSORT_PACKAGE"'];

const build = ({ modules }: CiMatrix, release: string): string =>
  ['kmodsort', 'matrix', ...modules.map(quoteWord), '--kernels', release, '--html', 'matrix.html'].join(' ');

/** Source: docs.github.com, "Workflow syntax for GitHub Actions". */
const github = (matrix: CiMatrix): string[] => [
  ...header('github'),
  'name: kernel modules',
  'on: [push, pull_request]',
  'env:',
  "  KMODSORT_PACKAGE: 'kmodsort.deb'",
  'jobs:',
  '  build:',
  '    runs-on: ubuntu-latest',
  '    # Builds are confined in mount namespaces.',
  "    container: { image: 'debian:12', options: '--privileged' }",
  '    strategy:',
  '      fail-fast: false',
  '      matrix:',
  '        kernel:',
  ...matrix.releases.map((release) => `          - ${quoted(release)}`),
  '    steps:',
  '      - uses: actions/checkout@v4',
  '      - name: install',
  '        run: |',
  ...install.map((line) => `          ${line}`),
  '      - name: build',
  '        env:',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's own.
  "          KERNEL: '${{ matrix.kernel }}'",
  '        run: |',
  `          ${build(matrix, '"$KERNEL"')}`,
  '      - uses: actions/upload-artifact@v4',
  '        if: always()',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's own.
  "        with: { name: '${{ matrix.kernel }}', path: matrix.html }",
];

/** Source: docs.gitlab.com, "CI/CD YAML syntax reference", parallel:matrix. */
const gitlab = (matrix: CiMatrix): string[] => [
  ...header('gitlab'),
  '# Builds are confined in mount namespaces: the runner has to be privileged.',
  'variables:',
  "  KMODSORT_PACKAGE: 'kmodsort.deb'",
  'kernel modules:',
  "  image: 'debian:12'",
  '  parallel:',
  '    matrix:',
  '      - KERNEL:',
  ...matrix.releases.map((release) => `          - ${quoted(release)}`),
  '  script:',
  ...install.map((line) => `    - ${quoted(line)}`),
  `    - ${quoted(build(matrix, '"$KERNEL"'))}`,
  '  artifacts:',
  '    when: always',
  '    paths: [matrix.html]',
];

/** The file for a CI system, in YAML. */
export const ciJobs = (system: CiSystem, matrix: CiMatrix): string =>
  `${(system === 'github' ? github(matrix) : gitlab(matrix)).join('\n')}\n`;
