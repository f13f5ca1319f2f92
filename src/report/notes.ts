import type { Note, Notes } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { kernelSkipped, uncheckedSymbols } from './messages.ts';
import { problemSentence } from './problems.ts';
import type { ReportContext } from './report.ts';

/** Every kind of remark as people read it. */
const sentences: { readonly [K in keyof Notes]: (note: Note<K>) => string } = {
  'broken-module': ({ module, source }) =>
    `${moduleLabel(module)} is broken and left as it is: source not found: ${source}`,
  'group-writable': ({ path }) => `warning: group-writable: ${path}`,
  'script-not-executable': ({ path }) => `warning: not executable, not run: ${path}`,
  'script-unsafe': ({ path }) => `warning: world-writable: ${path}`,
  'source-foreign': ({ path, source }) => `warning: not owned by root: ${path}: chown -R root: ${source}`,
  'script-missing': ({ path }) => `warning: dkms.conf names a script that is not there: ${path}`,
  'script-failed': ({ path, code }) => `warning: ${path} failed with exit code ${code}`,
  'conf-said': ({ path, text }) => `${path}: ${text}`,
  'directive-ignored': ({ path, directive }) => `${path}: ${directive} is deprecated and ignored`,
  'no-objects': ({ module }) => `warning: the dkms.conf of ${moduleLabel(module)} names no modules to build`,
  'object-shared': ({ module, kernel, object, of }) =>
    `warning: ${moduleLabel(of)} and ${moduleLabel(module)} both install ${object}.ko: on ${kernel.release} that of ${moduleLabel(module)} is in use`,
  recovered: ({ module, kernel }) =>
    `completed what an interrupted run had begun: ${moduleLabel(module)}, ${kernel.release}`,
  'not-recovered': ({ failure }) => `warning: ${failureInOneLine(failure)}`,
  'ended-survivor': ({ module, pid }) =>
    `killed a build of ${moduleLabel(module)} that an interrupted run had left (process ${pid})`,
  'put-back': ({ module, kernel }) => `${moduleLabel(module)} is installed again on ${kernel.release}`,
  'original-restored': ({ path }) => `restored the original module: ${path}`,
  'originals-left': ({ path }) => `warning: the kernel's own module was left in place: ${path}`,
  registered: ({ module }) => `${moduleLabel(module)} added`,
  'archive-written': ({ path }) => `wrote ${path}`,
  'removal-cancelled': ({ module }) => `${moduleLabel(module)} kept: it was added in this same rpm transaction`,
  superseded: ({ module }) => `${moduleLabel(module)} kept until the version that replaces it is installed`,
  forgotten: ({ module }) => `${moduleLabel(module)} removed from the dkms tree`,
  'kernel-skipped': ({ release, setting }) => kernelSkipped(release, setting),
  'kernel-chosen': ({ release, running }) =>
    `${release}: the newest installed kernel; the running ${running} is not this system's`,
  'kernel-cleaned': ({ release }) => `cleaned up after the removed kernel ${release}`,
  'record-unwritable': ({ path, detail }) => `warning: cannot write ${path}: ${detail}`,
  'store-unwritable': ({ path, detail }) => `warning: cannot keep what was built: ${path}: ${detail}`,
  'builder-revoked': ({ module, kernel, by, key }) =>
    `warning: ${moduleLabel(module)}, ${kernel.release}: dropped the stored build of ${by}: its key ${key} is revoked`,
  'prebuilt-missing': ({ module, kernel, artifact }) =>
    `${moduleLabel(module)}, ${kernel.release}: no prebuilt build, building here: ${artifact}`,
  'prebuilt-refused': ({ module, kernel, artifact, why }) =>
    `warning: ${moduleLabel(module)}, ${kernel.release}: prebuilt build refused, building here: ${artifact}: ${problemSentence(why)}`,
  'symbols-unchecked': ({ module, kernel, ...unchecked }) =>
    `${moduleLabel(module)}, ${kernel.release}: ${uncheckedSymbols(unchecked)}`,
  'registry-failed': ({ registry, why }) =>
    `warning: no prebuilt builds, building here: ${registry}: ${problemSentence(why)}`,
  'not-confined': ({ why }) => `builds are not confined on this machine: ${why}`,
  'built-unconfined': ({ module, why }) =>
    `${moduleLabel(module)} does not build confined (${why}) and was built without: unconfined_modules="${module.name}" in framework.conf`,
  'not-signed': ({ module, kernel, why }) =>
    `warning: ${moduleLabel(module)}, ${kernel.release} is not signed: ${problemSentence(why)}`,
  'not-stripped': ({ module, kernel, detail }) =>
    `warning: ${moduleLabel(module)}, ${kernel.release} is installed unstripped: ${detail}`,
  'not-compressed': ({ module, kernel, detail }) =>
    `warning: ${moduleLabel(module)}, ${kernel.release} is installed uncompressed: ${detail}`,
  'key-made': ({ certificate }) => `created a key to sign modules with, certificate ${certificate}`,
  'key-there': ({ certificate }) => `the key to sign modules with already exists, certificate ${certificate}`,
  'not-enrolled': ({ certificate }) =>
    `warning: Secure Boot is enabled and will refuse the modules: enrol the certificate with: mokutil --import ${certificate}`,
  'enrolment-pending': ({ certificate }) =>
    `warning: Secure Boot is enabled and will refuse the modules until the enrolment of ${certificate} is confirmed at the next boot`,
  'symbols-retried': ({ module }) =>
    `${moduleLabel(module)}: tried again with KBUILD_EXTRA_SYMBOLS on the make command line`,
  'queue-taken': ({ words }) => `running a hook that was queued: ${words}`,
  'slurm-silent': () => 'warning: Slurm does not answer; asking again',
  'jobs-cancelled': ({ count, ids }) => `${count} Slurm ${count === 1 ? 'job' : 'jobs'} cancelled: ${ids}`,
  'stdin-stalled': ({ seconds }) => `warning: timed out reading stdin after ${seconds} s, going on without the rest`,
};

/** What is the same at each run of a hook: whoever reads that wrote neither the confs nor the settings. */
const isRecurrent = (note: Note): boolean =>
  note.note === 'conf-said' || (note.note === 'kernel-skipped' && !note.isNew);

/** What recurs is told by a verbose hook alone. */
export const isWorthTelling = (note: Note, { request, verbose }: Pick<ReportContext, 'request' | 'verbose'>): boolean =>
  !isRecurrent(note) || verbose || request.verb !== 'sync' || request.origin !== 'hook';

/** A remark. */
export const noteSentence = <K extends keyof Notes>(note: Note<K>): string => sentences[note.note](note);
