import type { Tools } from '../kernel/compiler.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import type { KeyResult } from '../kernel/signing-key.ts';
import type { Problem } from '../problems.ts';
import type { Emit, Note } from '../progress.ts';
import type { Given, Kernel, KernelPackage, Switches } from '../request.ts';
import type { Environment, Settings } from '../settings.ts';
import type { Processes } from '../system/exec.ts';
import type { Jobserver } from '../system/jobserver.ts';
import type { Confinement } from './confinement.ts';

/** What a hook, and a command without switches, goes by. */
export const noSwitches: Switches = {
  force: false,
  forceVersionOverride: false,
  noDepmod: false,
  modprobe: false,
  symlink: false,
  directives: [],
  rpmSafeUpgrade: false,
};

/** Where a run remembers what stood in files that it read. */
export interface Memory {
  readonly stateDir: string;
  /** Who only asks changes nothing. */
  readonly writes: boolean;
}

/** What all steps of one run share. */
export interface Run {
  readonly settings: Settings;
  readonly processes: Processes;
  readonly emit: Emit;
  readonly note: (note: Note) => void;
  readonly abort: AbortSignal;
  readonly memory: Memory;
  /** A private directory (0700) that goes away with the run. */
  readonly scratch: string;
  /** Another one (0700), where programs may be run. */
  readonly programs: string;
  readonly jobserver: Jobserver;
  /** Facts of a Kernel, looked up once. */
  readonly factsOf: (kernel: Kernel) => KernelFacts;
  /** The caller's environment as scripts and builds get it. */
  readonly environment: Environment;
  /** What builds for a Kernel, asked once. */
  readonly toolsOf: (kernel: Kernel) => Promise<Tools>;
  /** Hashes of what stands in a Kernel's headers, looked at once; empty without headers. */
  readonly headersOf: (kernel: Kernel) => { readonly headers: string; readonly kbuild: string };
  /** Whether nothing has been written there since headersOf looked; false also where that is not known. */
  readonly areHeadersUntouched: (kernel: Kernel) => Promise<boolean>;
  /** The version string that modules for a Kernel must carry, asked once; undefined if it cannot be known. */
  readonly vermagicOf: (kernel: Kernel) => Promise<string | undefined>;
  /** The package of a Kernel's headers, or of the Kernel where it has none; asked once, undefined if nobody has one. */
  readonly kernelPackageOf: (kernel: Kernel) => Promise<KernelPackage | undefined>;
  /** The key that modules for a Kernel are signed with, made at the first question. */
  readonly signingKey: (kernel: Kernel) => Promise<KeyResult>;
  /** Whether builds can be confined here, tried once. */
  readonly confinement: () => Promise<Confinement>;
  /** One install at a time on a Kernel. */
  readonly serialize: <T>(kernel: Kernel, work: () => Promise<T>) => Promise<T>;
  /** Called before the first file of a kernel changes: what must follow is then written down. */
  readonly beforeChange: (release: string) => void;
  /** Fingerprints of keys of Builders that are revoked, asked once. */
  readonly revokedKeys: () => Promise<ReadonlySet<string>>;
  /** Registries that were of no use to this run, and why: nobody waits for one twice. */
  readonly useless: Map<string, Problem>;
  /** Processes for what must follow also when the run was told to end. */
  readonly finishing: Processes;
  /** Switches of the command; all off where a hook runs us. */
  readonly switches: Switches;
  /** Modules that a command names: switches about a conf are theirs alone. */
  readonly named: ReadonlySet<string>;
  /** The same run as it is for a module that was built with other switches. */
  readonly as: (name: string, given: Given) => Run;
}
