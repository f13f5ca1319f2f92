import type { DiagnosisCode, FactsOf } from '../engine/diagnoses.ts';
import { type Kernel, type Module, moduleLabel } from '../engine/request.ts';

/** The sentences of each diagnosis. */

interface Sentences<C extends DiagnosisCode> {
  /** What is wrong, with the path. */
  readonly reason: (facts: FactsOf<C>) => string;
  /** What somebody has to do, where --fix does not, and why; missing where it always does. */
  readonly byHand?: (facts: FactsOf<C>) => string;
  /** What --fix does, and has done. */
  readonly repair?: readonly [does: string, did: string];
}

interface OnKernel {
  readonly module: Module;
  readonly kernel: Kernel;
}

const on = ({ module, kernel }: OnKernel): string => `${moduleLabel(module)} on ${kernel.release}`;
const k = ({ release, arch }: Kernel): string => `-k ${release}/${arch}`;
const at = ({ path, line }: { readonly path: string; readonly line?: number }): string =>
  line === undefined ? path : `${path}:${line}`;

const sync = (): string => 'kmodsort sync';
const reinstall = (): string => 'install the package of kmodsort again';

const removes = (what: string): readonly [string, string] => [`removes ${what}`, `removed ${what}`];
const removesIt = removes('it');

export const sentences: { readonly [C in DiagnosisCode]: Sentences<C> } = {
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
  'world-writable': {
    reason: ({ path }) => `${path} is world-writable: what anybody has put there would be used as root`,
    byHand: ({ path }) => `look at what is in it, then: chmod o-w ${path}`,
  },
  'foreign-owner': {
    reason: ({ path, uid }) => `${path} belongs to user ${uid}, who may change what is used as root`,
    byHand: ({ path }) => `look at what is in it, then: chown root: ${path}`,
  },
  'disk-full': {
    reason: ({ path, bytes }) =>
      `less than 1 MiB is free where ${path} is (${bytes} bytes): nothing can be built or installed`,
    byHand: () => 'free some space; kmodsort store gc takes out what was built and is not used',
  },
  'read-only': {
    reason: ({ path }) => `${path} cannot be written: nothing can be built or installed`,
    byHand: ({ path }) => `mount its file system for writing: findmnt --target ${path}`,
  },
  'key-mismatch': {
    reason: ({ path, certificate }) =>
      `${path} is not the key of the certificate ${certificate}: modules stay unsigned`,
    byHand: () => 'restore the pair; or move both away and kmodsort makes a new one, which has to be enrolled',
  },
  'key-missing': {
    reason: ({ path, certificate }) =>
      `${path}, the key of the certificate ${certificate}, is not there: modules stay unsigned`,
    byHand: ({ certificate }) =>
      `restore the key; or move ${certificate} away and kmodsort makes a new pair, which has to be enrolled`,
  },
  'key-readable': {
    reason: ({ path, mode }) => `${path} has mode ${mode.toString(8)}: others than its owner may sign modules with it`,
    byHand: ({ path }) => `chmod 600 ${path}`,
    repair: ['makes it 600', 'made it 600'],
  },
  'certificate-expired': {
    reason: ({ path }) => `the certificate ${path} has expired`,
    byHand: ({ path }) => `move it and its key away: dkms generate_mok makes new ones; then: mokutil --import ${path}`,
  },
  'certificate-not-enrolled': {
    reason: ({ path }) =>
      `Secure Boot is on, and the firmware does not know ${path}: modules that it signs will not load`,
    byHand: ({ path }) => `mokutil --import ${path}, and confirm it at the next boot`,
  },
  'foreign-hook': {
    reason: ({ path }) => `${path} is a hook of another dkms: it builds beside ours, or in its place`,
    byHand: ({ path }) => `remove the package that it belongs to, or: rm ${path}`,
  },
  'hook-missing': {
    reason: ({ path }) => `${path} is not there: nothing is built when packages change`,
    byHand: reinstall,
  },
  'hook-not-executable': {
    reason: ({ path }) => `${path} is not executable, so it is not run`,
    byHand: ({ path }) => `if it is not switched off on purpose: chmod 755 ${path}`,
  },
  'setting-misspelt': {
    reason: ({ name, meant, ...rest }) => `${at(rest)}: there is no setting ${name}: did you mean ${meant}?`,
    byHand: ({ name, meant }) => `write ${meant} for ${name}`,
  },
  'setting-unknown': {
    reason: ({ name, ...rest }) => `${at(rest)}: there is no setting ${name}; only a dkms.conf could use it`,
    byHand: () => 'remove the line, if no dkms.conf uses it',
  },
  'setting-invalid': {
    reason: ({ name, value, wants, ...rest }) => `${at(rest)}: ${name}="${value}" is not understood: it takes ${wants}`,
    byHand: ({ name, wants }) => `set ${name} to ${wants}; the default counts until then`,
  },
  'required-unknown': {
    reason: ({ word, ...rest }) => `${at(rest)}: required_modules names ${word}, which is not in the dkms tree`,
    byHand: ({ word }) => `install the package of ${word}, or correct the name`,
  },
  'unconfined-unknown': {
    reason: ({ word, ...rest }) => `${at(rest)}: unconfined_modules names ${word}, which is not in the dkms tree`,
    byHand: () => 'correct the name, or remove it',
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
