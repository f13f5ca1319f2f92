import type { Problem } from './problems.ts';

/** What `lint` finds in sources and packages, as data: report/lint.ts makes sentences of it. */

export type Severity = 'error' | 'warning';

/** The code of each rule and how bad it is. A new one is a row here, one in report/lint.ts and a section in docs/lint.md. */
export const severities = {
  'conf-invalid': 'error',
  'directory-name': 'error',
  'module-version': 'warning',
  'directive-deprecated': 'warning',
  'directive-unknown': 'warning',
  'running-kernel': 'error',
  'release-guard': 'error',
  'own-jobs': 'warning',
  'jobserver-not-joined': 'warning',
  'jobserver-cut': 'warning',
  'object-not-built': 'error',
  'object-not-named': 'warning',
  'build-depends-missing': 'error',
  'network-in-build': 'error',
  'sudo-in-build': 'error',
  'writes-outside': 'error',
  'script-missing': 'error',
  'script-not-executable': 'error',
  'world-writable': 'error',
  'depmod-in-scriptlet': 'warning',
  'arch-dkms-in-install': 'warning',
  'debian-no-removal': 'error',
  'rpm-remove-on-upgrade': 'error',
  'shellcheck-error': 'error',
  'shellcheck-warning': 'warning',
} as const satisfies Readonly<Record<string, Severity>>;

export type RuleCode = keyof typeof severities;

/** What each rule has to say besides the place. */
export interface FindingFacts {
  'conf-invalid': { readonly problem: Problem };
  'directory-name': { readonly directive: string; readonly value: string; readonly directory: string };
  'module-version': { readonly version: string; readonly found: string };
  'directive-deprecated': { readonly directive: string };
  /** `meant`: a directive of a name much like it. */
  'directive-unknown': { readonly directive: string; readonly meant?: string };
  /** `variable`: that holds it, and that MAKE could set; `reaches`: the command that it gets to. */
  'running-kernel': { readonly lookup: string; readonly variable?: string; readonly reaches?: string };
  /** `goal`: empty where there is no target at all. */
  'release-guard': { readonly goal: string };
  'own-jobs': { readonly word: string };
  'jobserver-not-joined': { readonly command: string };
  'jobserver-cut': { readonly command: string };
  'object-not-built': { readonly object: string };
  'object-not-named': { readonly object: string };
  'build-depends-missing': { readonly module: string; readonly path: string };
  'network-in-build': { readonly command: string };
  'sudo-in-build': { readonly command: string };
  'writes-outside': { readonly command: string; readonly path?: string };
  'script-missing': { readonly directive: string; readonly script: string };
  'script-not-executable': { readonly directive: string };
  'world-writable': { readonly kind: 'file' | 'directory' };
  'depmod-in-scriptlet': { readonly command: string };
  'arch-dkms-in-install': { readonly command: string };
  'debian-no-removal': { readonly package: string };
  'rpm-remove-on-upgrade': { readonly command: string };
  'shellcheck-error': { readonly number: number; readonly text: string };
  'shellcheck-warning': { readonly number: number; readonly text: string };
}

/** Where a finding is. */
interface Place {
  /** As the user would type it; of a file in a package, `PACKAGE:/path`. */
  readonly file: string;
  /** From 1; of what is no line (a directory, a mode), 1 too. */
  readonly line: number;
}

/** One finding. */
export type Finding<R extends RuleCode = RuleCode> = {
  [C in R]: Place & { readonly rule: C } & FindingFacts[C];
}[R];

export const severityOf = ({ rule }: Pick<Finding, 'rule'>): Severity => severities[rule];
