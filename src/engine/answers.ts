import type { PackAnswer, ProducedAnswer, PushAnswer } from './delivered.ts';
import type { Diagnosis } from './diagnoses.ts';
import type { Failure } from './errors.ts';
import type { Finding } from './findings.ts';
import type { Outcome, PassedOver } from './outcome.ts';
import type { Job, Plan } from './plan.ts';
import type { Note } from './progress.ts';
import type { Kernel, Module } from './request.ts';

/** What the engine hands back at the end. Data only: every sentence is made in report/. */

/** One line of the summary. `kernel` is missing where a failure is the Module's on any kernel. */
export interface Row {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly outcome: Outcome;
  /** Wall time of the Job; missing where none ran. */
  readonly seconds?: number;
  /** What was wanted did not come about, but this version was installed before and will load. */
  readonly stays?: string;
  /** It is in place, and some of its objects will not load. */
  readonly unloadable?: UnloadableObjects;
}

/** Objects of one Module that modprobe will refuse. */
interface UnloadableObjects {
  readonly count: number;
  /** Of how many. */
  readonly objects: number;
  /** Of the first of them; its kind is will-not-load. */
  readonly failure: Failure;
}

/** What a run did under its lock. */
export interface SyncResult {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
}

/** A Kernel and the required modules that will not load there. */
export interface HeldKernel {
  readonly release: string;
  readonly missing: readonly string[];
}

/** Kernels that are not booted by default, the newest first, and the release that is booted in their place. */
export interface BootHeld {
  readonly held: readonly HeldKernel[];
  readonly prefer: string;
}

/** What the boot guard found, or did. */
export type BootGuard =
  /** By boot loaders that are named. */
  | ({ readonly state: 'held'; readonly loaders: readonly string[] } & BootHeld)
  /** These were held back and are no longer. */
  | { readonly state: 'released'; readonly releases: readonly string[] }
  /** No older kernel has what is missing: nothing was held back. */
  | { readonly state: 'nowhere'; readonly held: readonly HeldKernel[] };

/** What a sync did. */
export interface Summary {
  readonly kind: 'summary';
  /** Best first, failures last. */
  readonly rows: readonly Row[];
  /** Failures of the run itself: a lock not had, depmod, a tree that cannot be written. */
  readonly failures: readonly Failure[];
  readonly notes: readonly Note[];
  /** Where boot_guard is on and something is or was held back, or should be. */
  readonly boot?: BootGuard;
  /** The signal that ended the run early. */
  readonly signal?: 'SIGINT' | 'SIGTERM';
  readonly seconds: number;
}

/** What a trial found; nothing but the Store was changed. */
export interface TrialAnswer extends Omit<Summary, 'kind'> {
  readonly kind: 'trial';
  /** File names of the packages that were looked at. */
  readonly packages: readonly string[];
}

/** What came of each module on each kernel. */
export interface MatrixAnswer extends Omit<TrialAnswer, 'kind'> {
  readonly kind: 'matrix';
  /** Releases, the oldest first. */
  readonly releases: readonly string[];
}

/** What a build is made from, and the Key that says so. */
export interface PlannedKey {
  /** Of the Job that builds it. */
  readonly job: string;
  /** SHA-256 in hex. */
  readonly key: string;
  readonly parts: Readonly<Record<string, unknown>>;
}

/** What a dry run would do. */
export interface PlanAnswer {
  readonly kind: 'plan';
  readonly plan: Plan;
  /** How many Jobs may run side by side; 0: all. */
  readonly atOnce: number;
  /** Of the Jobs that build; a dependency that is built first may still change one. */
  readonly keys: readonly PlannedKey[];
  /** What cannot be planned for: a kernel that is not there, a source without a usable conf. */
  readonly failures: readonly Failure[];
  readonly notes: readonly Note[];
}

/** A remembered failure that somebody should see to. */
export interface OpenFailure {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly failure: Failure;
  /** As in Row. */
  readonly stays?: string;
}

/** One thing that must follow when a kernel's modules have changed. */
export type DueStep = 'depmod' | 'weak-modules' | 'initramfs' | 'post-transaction';

/** What should have followed on a kernel and did not, or did not end well. */
export interface OpenDue {
  readonly release: string;
  readonly steps: readonly DueStep[];
}

/** One line of `status`. */
export interface StatusEntry {
  readonly module: Module;
  /** Missing for a Module that is only added, or broken. */
  readonly kernel?: Kernel;
  readonly state: 'broken' | 'added' | 'built' | 'installed';
  /** Of a broken one: where its source should be. */
  readonly source?: string;
  readonly originals: boolean;
  /** An object that should be in the dkms tree's module/ is not there. */
  readonly objectsMissing: boolean;
  /** Installed files differ from the built ones, or are gone. */
  readonly differences: boolean;
  /** The release whose build serves this kernel through a link of weak-modules. */
  readonly weakFrom?: string;
  /** The remembered failure of this Module on this Kernel. */
  readonly failure?: Failure;
  /** Why the last run did nothing for it. */
  readonly passedOver?: PassedOver;
  /** Since when, ISO 8601; unknown of what earlier versions passed over. */
  readonly passedOverAt?: string;
  /** When it failed, ISO 8601. */
  readonly failedAt?: string;
  /** Its kernel is not installed yet: when a trial built it, or failed to, ISO 8601. */
  readonly triedAt?: string;
}

export interface StatusAnswer {
  readonly kind: 'status';
  readonly entries: readonly StatusEntry[];
  /** What the boot guard keeps the boot loader from. */
  readonly hold?: BootHeld;
  /** Installed kernels that the settings pass over, the newest first. */
  readonly skipped: readonly { readonly release: string; readonly setting: 'kernels' | 'skip_kernels' }[];
}

/** One remembered failure; `text` is the whole log, if it is still there. */
export interface LogAnswer {
  readonly kind: 'log';
  readonly module: Module;
  readonly kernel: Kernel;
  readonly failure: Failure;
  readonly failedAt: string;
  readonly text?: string;
}

/** One Kernel of a `verify`. */
export interface VerifiedKernel {
  readonly release: string;
  /** How many installed objects were looked at. */
  readonly objects: number;
  /** False where the headers are missing: nothing but the release could be compared. */
  readonly certain: boolean;
  readonly failures: readonly { readonly module: Module; readonly failure: Failure }[];
  /** Without headers: how many of the symbols that a module wants could not be compared. */
  readonly unchecked: readonly { readonly module: Module; readonly symbols: number; readonly of: number }[];
  /** Wanted there, and not installed in any version. */
  readonly missing: readonly MissingModule[];
}

/** A module of which nothing is installed on a kernel. */
export interface MissingModule {
  readonly name: string;
  /** None of a required one that is not in the dkms tree. */
  readonly version?: string;
  /** What is remembered of its last build. */
  readonly failure?: Failure;
  readonly required?: true;
}

/** Whether installed modules will load, found without loading them. */
export interface VerifyAnswer {
  readonly kind: 'verified';
  readonly kernels: readonly VerifiedKernel[];
  /** Kernels that are not there. */
  readonly failures: readonly Failure[];
}

/** One part of what goes into a build that is not what it was. */
export interface ChangedPart {
  /** `sources`, `headers`, `compiler`, `dependency spl`, … */
  readonly part: string;
  /** Absolute paths, or paths in the source or the headers; of what is no files, none. */
  readonly files: readonly string[];
  /** What it was and is, where that can be said. */
  readonly was?: string;
  readonly is?: string;
}

/** One Module on one Kernel of a `why`. */
export interface WhyEntry {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly state: 'added' | 'built' | 'installed';
  /** Of what goes into a build now. */
  readonly key: string;
  /** Since it was built, or since the build failed. */
  readonly changed: readonly ChangedPart[];
  /** What sync would do; missing where there is nothing to do. */
  readonly job?: Job;
  /** Why there is nothing to do. */
  readonly outcome?: Outcome;
}

/** What has changed since modules were built. */
interface WhyAnswer {
  readonly kind: 'why';
  readonly entries: readonly WhyEntry[];
}

/** One build in the Store. */
export interface StoredEntry {
  readonly name: string;
  /** SHA-256 in hex. */
  readonly key: string;
  readonly bytes: number;
  /** When it was built or taken last, ISO 8601. */
  readonly used: string;
  /** What it says of itself; missing where that cannot be read. */
  readonly build?: {
    readonly module: string;
    readonly kernel: string;
    readonly built: string;
    readonly seconds: number;
    /** The Builder that it came from. */
    readonly by?: string;
  };
  /** It is built for a kernel that is there, and stays. */
  readonly isKept: boolean;
}

/** What is in the Store, or what went out of it. */
export interface StoreAnswer {
  readonly kind: 'store';
  readonly action: 'list' | 'gc' | 'verify';
  readonly entries: readonly StoredEntry[];
  /** What is in it now, and may be; bytes. */
  readonly bytes: number;
  readonly limit: number;
  /** How many builds are in it now. */
  readonly count: number;
}

/** A module that cannot be built for a kernel that comes in. */
export interface GuardFinding {
  readonly module: Module;
  readonly release: string;
  readonly rule: string;
  readonly value: string;
  readonly required: boolean;
}

/** A module that was built for a kernel that comes in, or was not. */
export interface GuardBuild {
  readonly row: Row;
  /** `stop`: it must not be missing, and will be. `untried`: nobody knows. */
  readonly verdict: 'ready' | 'stop' | 'warning' | 'untried';
}

/** What a transaction would take away. */
export interface GuardAnswer {
  readonly kind: 'guarded';
  readonly findings: readonly GuardFinding[];
  readonly builds: readonly GuardBuild[];
  /** Why nothing was built, where something should have been. */
  readonly untried?: Failure;
}

/** What the boot loader is kept from. */
export interface BootGuardAnswer {
  readonly kind: 'boot-guarded';
  /** boot_guard is on. */
  readonly isOn: boolean;
  /** Names of required modules. */
  readonly required: readonly string[];
  /** Missing where nothing is held back, nor should be. */
  readonly boot?: BootGuard;
  readonly failures: readonly Failure[];
}

/** What is wrong with sources and packages of modules. */
export interface LintAnswer {
  readonly kind: 'linted';
  /** By operand, file and line. */
  readonly findings: readonly Finding[];
  /** How many were looked at. */
  readonly sources: number;
  readonly packages: number;
  /** What could not be read. */
  readonly failures: readonly Failure[];
  readonly hasShellcheck: boolean;
}

/** One thing that is wrong, and what became of it. */
export interface DoctorEntry {
  readonly diagnosis: Diagnosis;
  /** By `--fix`. */
  readonly canRepair: boolean;
  /** Only where repairs were asked for: whether it is gone. */
  readonly isRepaired?: boolean;
  /** Why its repair failed. */
  readonly failure?: Failure;
}

/** What is wrong with the dkms tree, the state directory and what belongs to them. */
export interface DoctorAnswer {
  readonly kind: 'examined';
  /** Repairs were asked for. */
  readonly fix: boolean;
  readonly entries: readonly DoctorEntry[];
  /** What could not be looked at. */
  readonly failures: readonly Failure[];
  readonly modules: number;
  readonly kernels: number;
  /** Another run is at work: what it may have half done was not looked at. */
  readonly isBusy: boolean;
}

/** Nothing is known that the question could be about. */
export interface NothingAnswer {
  readonly kind: 'nothing';
  readonly about: 'log' | 'why';
  /** What was asked for, as typed. */
  readonly asked: string;
}

export type Answer =
  | Summary
  | PlanAnswer
  | StatusAnswer
  | LogAnswer
  | VerifyAnswer
  | GuardAnswer
  | BootGuardAnswer
  | WhyAnswer
  | StoreAnswer
  | PushAnswer
  | PackAnswer
  | TrialAnswer
  | MatrixAnswer
  | ProducedAnswer
  | LintAnswer
  | DoctorAnswer
  | NothingAnswer;
