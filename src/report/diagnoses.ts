import type { DiagnosisCode, FactsOf } from '../engine/diagnoses.ts';
import { type Kernel, type Module, moduleLabel } from '../engine/request.ts';
import { setUpSentences } from './diagnosed-set-up.ts';

/** The sentences of each diagnosis. */

interface Sentences<C extends DiagnosisCode> {
  /** What is wrong, with the path. */
  readonly reason: (facts: FactsOf<C>) => string;
  /** What somebody has to do, where --fix does not, and why; missing where it always does. */
  readonly byHand?: (facts: FactsOf<C>) => string;
  /** What --fix does, and has done. */
  readonly repair?: readonly [does: string, did: string];
}

/** Sentences of some codes. */
export type Told<C extends DiagnosisCode> = { readonly [K in C]: Sentences<K> };

interface OnKernel {
  readonly module: Module;
  readonly kernel: Kernel;
}

const on = ({ module, kernel }: OnKernel): string => `${moduleLabel(module)} on ${kernel.release}`;
const k = ({ release, arch }: Kernel): string => `-k ${release}/${arch}`;

const sync = (): string => 'kmodsort sync';

const removes = (what: string): readonly [string, string] => [`removes ${what}`, `removed ${what}`];
const removesIt = removes('it');

export const sentences: Told<DiagnosisCode> = {
  ...setUpSentences,
  'source-missing': {
    reason: ({ module, source }) => `the source of ${moduleLabel(module)} is gone: ${source}`,
    byHand: ({ module }) =>
      `install its package again, or mount the file system of its source; if it is not wanted: dkms remove ${moduleLabel(module)} --all`,
  },
  'entry-unregistered': {
    reason: ({ module, path }) => `${moduleLabel(module)} has no link to its source: ${path}/source`,
    byHand: ({ module, source }) =>
      `nothing usable is in ${source}: install its package again, or: dkms remove ${moduleLabel(module)} --all`,
    repair: ['makes the link to its source in the source tree', 'made the link to its source in the source tree'],
  },
  'entry-empty': {
    reason: ({ module, path }) => `nothing is in the entry of ${moduleLabel(module)}: ${path}`,
    byHand: ({ path }) => `rmdir ${path}`,
    repair: removes('the empty directory'),
  },
  'installed-link-broken': {
    reason: ({ module, kernel, path }) =>
      `${path} leads nowhere: ${moduleLabel(module)} is not built for ${kernel.release}`,
    repair: [
      'removes the link; kmodsort sync builds the module again',
      'removed the link; kmodsort sync builds the module again',
    ],
  },
  'kernel-gone': {
    reason: ({ path, kernel, ...rest }) => `${on({ kernel, ...rest })} is installed, and that kernel is gone: ${path}`,
    byHand: ({ module, kernel }) => `dkms remove ${moduleLabel(module)} ${k(kernel)}`,
    repair: removes('what was built and remembered for it'),
  },
  'kernel-absent': {
    reason: ({ path, kernel, ...rest }) => `${on({ kernel, ...rest })} is built, and no such kernel is here: ${path}`,
    byHand: ({ module, kernel }) =>
      `if it was not built for another machine: dkms unbuild ${moduleLabel(module)} ${k(kernel)}`,
  },
  'files-left': {
    reason: ({ path, ...rest }) => `${path} was installed by ${on(rest)}, and the dkms tree does not know that`,
    byHand: ({ module, path, kernel, isKnown }) =>
      isKnown
        ? 'kmodsort sync'
        : `the machine may need it: dkms add ${moduleLabel(module)} && kmodsort sync, or: rm ${path} && depmod ${kernel.release}`,
  },
  'installed-missing': {
    reason: ({ path, ...rest }) => `${path} of ${on(rest)} is not there any more`,
    byHand: sync,
    repair: ['puts it back out of the dkms tree', 'put it back out of the dkms tree'],
  },
  'installed-differs': {
    reason: ({ path, ...rest }) => `${path} is not what was installed of ${on(rest)}`,
    byHand: () => 'somebody may have meant it (another signature); kmodsort sync installs it again',
  },
  'object-missing': {
    reason: ({ path, ...rest }) => `${path} is not there any more, and ${on(rest)} was built with it`,
    byHand: ({ module, kernel }) => `dkms build ${moduleLabel(module)} ${k(kernel)} --force`,
    repair: ['copies it back from where it is installed', 'copied it back from where it is installed'],
  },
  'original-left': {
    reason: ({ path, name, kernel }) =>
      `modules of ${kernel.release} that ${name} had replaced were not put back: ${path}`,
    byHand: ({ path }) =>
      `another file stands in their place: compare it with those in ${path}, and remove the one that is wrong`,
    repair: ['puts them back', 'put them back'],
  },
  'weak-link-broken': {
    reason: ({ path }) => `${path} leads nowhere: the build that it lent to this kernel is gone`,
    repair: removes('the link'),
  },
  'record-left': {
    reason: ({ path, module, kernel, gone }) =>
      gone === 'kernel'
        ? `${path} is about ${kernel.release}, a kernel that is gone`
        : `${path} is about ${moduleLabel(module)}, which is not in the dkms tree`,
    repair: removesIt,
  },
  'record-unreadable': {
    reason: ({ path }) => `${path} cannot be read, and counts as not there`,
    repair: removesIt,
  },
  'log-left': {
    reason: ({ path }) => `${path} is the log of a failure that nothing remembers`,
    repair: removesIt,
  },
  'mark-left': {
    reason: ({ path }) => `${path} says that a version waits to be replaced, and it is gone`,
    repair: removesIt,
  },
  'trial-outdated': {
    reason: ({ path, release }) => `${path} is what a trial for ${release} found, more than 90 days ago`,
    repair: removesIt,
  },
  'memory-left': {
    reason: ({ path, gone }) => `${path} remembers what is gone: ${gone}`,
    repair: removesIt,
  },
  'rpm-mark-left': {
    reason: ({ path }) => `${path} is of an rpm transaction that has ended`,
    repair: removesIt,
  },
  'journal-open': {
    reason: ({ path, action, ...rest }) =>
      `the ${action === 'install' ? 'installation' : 'removal'} of ${on(rest)} was interrupted: ${path}`,
    byHand: sync,
    repair: ['ends what was begun', 'ended what was begun'],
  },
  'journal-unreadable': {
    reason: ({ path }) => `${path} cannot be read, and counts as not there`,
    repair: removesIt,
  },
  'temporary-left': {
    reason: ({ path }) => `${path} was left by a run that was killed`,
    repair: ['removes it, or puts back what it kept', 'removed it, or put back what it kept'],
  },
  'lock-stale': {
    reason: ({ path, holder }) => `${path} names a process that has ended: ${holder}`,
    repair: ['frees it', 'freed it'],
  },
  'due-left': {
    reason: ({ path, release }) => `${path} says what is due for ${release}, a kernel that is gone`,
    repair: removesIt,
  },
  'due-open': {
    reason: ({ path, release, steps }) =>
      `${steps.join(', ')} did not follow a change of the modules of ${release}: ${path}`,
    byHand: sync,
    repair: ['runs depmod, and leaves the rest to kmodsort sync', 'ran depmod'],
  },
  'notice-outdated': {
    reason: ({ path, release }) =>
      release === undefined
        ? `${path} tells every login of a failure, and there is none`
        : `${path} tells of ${release}, a kernel that is gone`,
    repair: removesIt,
  },
  'queue-old': {
    reason: ({ path }) => `${path} is a hook that waits for a run, and none has come for long`,
    byHand: () => 'kmodsort hook run',
  },
  'artifact-unreadable': {
    reason: ({ path }) => `${path} does not say what was built: nothing is taken from it`,
    byHand: () => 'kmodsort store verify',
    repair: [
      'removes it; kmodsort store verify looks at the others',
      'removed it; kmodsort store verify looks at the others',
    ],
  },
  stale: {
    reason: ({ changed, path, ...rest }) => `${on(rest)} is out of date (${changed.join(', ')}): ${path}`,
    byHand: ({ module }) => `kmodsort sync; kmodsort why ${moduleLabel(module)} says what has changed`,
  },
  'failure-remembered': {
    reason: ({ path, ...rest }) => `${on(rest)} failed: ${path}`,
    byHand: ({ module }) => `kmodsort status --failed; kmodsort log ${moduleLabel(module)}`,
  },
};
