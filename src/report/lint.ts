import type { LintAnswer } from '../engine/answers.ts';
import { type Finding, type FindingFacts, type RuleCode, severities, severityOf } from '../engine/findings.ts';
import { failureInOneLine } from './failures.ts';
import { counted } from './messages.ts';
import { problemSentence } from './problems.ts';

/** What lint finds, in the form of a compiler's messages, and how each is mended. */

interface Sentences<C extends RuleCode> {
  readonly reason: (facts: FindingFacts[C]) => string;
  readonly fix: (facts: FindingFacts[C]) => string;
}

const joinsOnlyFirst = 'only a make that MAKE starts with gets the jobserver and KERNELRELEASE';

const sentences: { readonly [C in RuleCode]: Sentences<C> } = {
  'conf-invalid': {
    reason: ({ problem }) => problemSentence(problem),
    fix: () => 'set it as dkms.conf(5) describes: nothing is built from such a conf',
  },
  'directory-name': {
    reason: ({ directive, value, directory }) => `${directive} is ${value}, and the directory is ${directory}`,
    fix: ({ directive }) => `make ${directive} and the directory agree: a source lies in /usr/src/NAME-VERSION`,
  },
  'module-version': {
    reason: ({ version, found }) => `MODULE_VERSION is ${found}, and PACKAGE_VERSION is ${version}`,
    fix: () => 'set both from one place: the version of an object decides whether it replaces one of the kernel',
  },
  'directive-deprecated': {
    reason: ({ directive }) =>
      directive === 'OBSOLETE_BY' ? 'OBSOLETE_BY is deprecated' : `${directive} is deprecated: dkms 3.4 ignores it`,
    fix: ({ directive }) => (directive === 'OBSOLETE_BY' ? 'use BUILD_EXCLUSIVE_KERNEL_MAX' : 'remove the line'),
  },
  'directive-unknown': {
    reason: ({ directive }) => `${directive} is no directive, and nothing in the conf uses it`,
    fix: ({ meant }) => (meant === undefined ? 'remove the line' : `did you mean ${meant}?`),
  },
  'running-kernel': {
    reason: ({ lookup, variable, reaches }) => {
      const via = variable === undefined ? '' : `, and MAKE does not set ${variable}`;
      return `${lookup} is the running kernel, not the one that is built for${via}${reaches === undefined ? '' : ` (${reaches})`}`;
    },
    fix: ({ variable }) =>
      variable === undefined
        ? 'use $kernelver or $kernel_source_dir in dkms.conf, and a variable that MAKE sets elsewhere'
        : `pass ${variable}=… with $kernelver or $kernel_source_dir in MAKE, or build by make -C $kernel_source_dir M=…`,
  },
  'release-guard': {
    reason: ({ goal }) =>
      `MAKE starts with make, which gets KERNELRELEASE, and the Makefile then has ${goal === '' ? 'no target' : `no target ${goal}`}`,
    fix: () => "build by make -C $kernel_source_dir M=…, or write 'make' in quotes to keep KERNELRELEASE out",
  },
  'own-jobs': {
    reason: ({ word }) => `${word} takes its own number of jobs, beside those of all other builds`,
    fix: () => 'leave -j out: dkms and kmodsort say how many jobs may run',
  },
  'jobserver-not-joined': {
    reason: ({ command }) => `"${command}" is not what MAKE starts with: it builds one file after the other`,
    fix: () => `let MAKE start with make, and call make once: ${joinsOnlyFirst}`,
  },
  'jobserver-cut': {
    reason: ({ command }) => `"${command}" cuts the build off from the jobserver: it builds one file after the other`,
    fix: () => 'call $(MAKE) in recipes, and leave MAKEFLAGS as it is',
  },
  'object-not-built': {
    reason: ({ object }) => `no Makefile or Kbuild builds ${object}.ko`,
    fix: ({ object }) => `add ${object}.o to obj-m, or correct BUILT_MODULE_NAME`,
  },
  'object-not-named': {
    reason: ({ object }) => `${object}.ko is built, and no BUILT_MODULE_NAME names it: it is never installed`,
    fix: ({ object }) => `name ${object} in a BUILT_MODULE_NAME, or do not build it`,
  },
  'build-depends-missing': {
    reason: ({ module, path }) => `${path} belongs to ${module}, which BUILD_DEPENDS does not name`,
    fix: ({ module }) => `add BUILD_DEPENDS[0]="${module}": it is then built first, and its symbols are passed on`,
  },
  'network-in-build': {
    reason: ({ command }) => `"${command}" needs the network, which a build does not have`,
    fix: () => 'ship what it fetches in the package',
  },
  'sudo-in-build': {
    reason: ({ command }) => `"${command}" asks for privileges, which a build does not get`,
    fix: () => 'do without: what must be done as root belongs in the package or in POST_INSTALL',
  },
  'writes-outside': {
    reason: ({ command, path }) =>
      path === undefined
        ? `"${command}" changes the machine while a module is built`
        : `${command} writes to ${path}, outside the build directory`,
    fix: () => 'write below the build directory only: builds run confined, and for kernels that do not run',
  },
  'script-missing': {
    reason: ({ directive, script }) => `${directive} names ${script}, which is not in the source: nothing is run`,
    fix: () => 'ship the script, or remove the line; the first word is a path in the source, not a program',
  },
  'script-not-executable': {
    reason: ({ directive }) => `it is not executable, so ${directive} does nothing`,
    fix: () => 'chmod +x, and install it with mode 755',
  },
  'world-writable': {
    reason: ({ kind }) => `this ${kind} is world-writable: kmodsort refuses to build from it`,
    fix: () => 'chmod o-w',
  },
  'depmod-in-scriptlet': {
    reason: ({ command }) => `"${command}" is done by the hooks, once a transaction, and for the right kernels`,
    fix: () => 'remove the line',
  },
  'arch-dkms-in-install': {
    reason: ({ command }) => `"${command}" is done by the pacman hook, in the order of dependencies`,
    fix: () => 'remove the line: a package only owns /usr/src/NAME-VERSION',
  },
  'debian-no-removal': {
    reason: () => 'it ships a dkms.conf, and no prerm removes the module: it stays registered without a source',
    fix: () => 'use dh_dkms (Build-Depends: dh-sequence-dkms)',
  },
  'rpm-remove-on-upgrade': {
    reason: ({ command }) =>
      `"${command}" runs after the new package is in place, and takes away what it has installed`,
    fix: () => 'add --rpm_safe_upgrade, or run it only if "$1" is 0',
  },
  'shellcheck-error': {
    reason: ({ number, text }) => `SC${number}: ${text}`,
    fix: ({ number }) => `https://www.shellcheck.net/wiki/SC${number}`,
  },
  'shellcheck-warning': {
    reason: ({ number, text }) => `SC${number}: ${text}`,
    fix: ({ number }) => `https://www.shellcheck.net/wiki/SC${number}`,
  },
};

const said = <C extends RuleCode>(finding: Finding<C>, what: 'reason' | 'fix'): string => {
  const { rule }: { readonly rule: C } = finding;
  return sentences[rule][what](finding);
};

const isRule = (value: unknown): value is RuleCode => typeof value === 'string' && Object.hasOwn(severities, value);

/** Whether a part of a document is a finding. */
export const isFinding = (value: unknown): value is Finding =>
  typeof value === 'object' && value !== null && 'rule' in value && 'line' in value && isRule(value.rule);

/** A finding as programs get it. */
export const lintEntry = (finding: Finding): object => ({
  ...finding,
  severity: severityOf(finding),
  reason: said(finding, 'reason'),
  fix: said(finding, 'fix'),
});

const findingLines = (finding: Finding): string[] => [
  `${finding.file}:${finding.line}: ${severityOf(finding)}: ${said(finding, 'reason')} [${finding.rule}]`,
  `  fix  ${said(finding, 'fix')}`,
];

const count = ({ findings, failures }: LintAnswer): string => {
  const errors = findings.filter((finding) => severityOf(finding) === 'error').length;
  const warnings = findings.length - errors;
  const parts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
    ...(failures.length > 0 ? [`${failures.length} not read`] : []),
  ];
  return parts.length > 0 ? parts.join(', ') : 'nothing found';
};

const lookedAt = ({ sources, packages }: LintAnswer): string =>
  [...(sources > 0 ? [counted(sources, 'source')] : []), ...(packages > 0 ? [counted(packages, 'package')] : [])].join(
    ', ',
  ) || 'nothing looked at';

/** A line for each finding with its fix, and a summary. */
export const lintLines = (answer: LintAnswer): string[] => {
  const { findings, failures, hasShellcheck } = answer;
  const [first] = findings;
  return [
    ...findings.flatMap(findingLines),
    ...failures.map((failure) => `kmodsort: FAILED: ${failureInOneLine(failure)}`),
    ...(hasShellcheck ? [] : ['kmodsort: shellcheck is not installed: shell scripts were not checked by it']),
    `kmodsort: lint: ${lookedAt(answer)}: ${count(answer)}`,
    ...(first
      ? [
          `kmodsort: rules are explained in docs/lint.md#RULE, as docs/lint.md#${first.rule} (/usr/share/doc/kmodsort/lint.md)`,
        ]
      : []),
  ];
};
