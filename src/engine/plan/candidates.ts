import type { ModuleConf } from '../conf/conf.ts';
import type { Failure } from '../errors.ts';
import type { Kernel, Module } from '../request.ts';
import type { BuildState } from '../tree/tree.ts';

/** What a Plan is made from. */

/** What is known of one Module on one Kernel before anything is decided. */
export interface Candidate {
  readonly module: Module;
  /** Its conf for this Kernel; missing where `failure` says why. */
  readonly conf?: Pick<ModuleConf, 'depends' | 'autoinstall' | 'exclusion' | 'objects'>;
  readonly failure?: Failure;
  readonly state: BuildState;
  /** The version that is installed on this Kernel now, also another one than the candidate's. */
  readonly installed?: string;
  /** Its own headers, where it is built against others than the kernel's. */
  readonly own?: Pick<KernelCandidates, 'hasHeaders' | 'headersAt'>;
  /** Seconds that its last build took, on this Kernel or else on another. */
  readonly took?: number;
  /** Bytes of source. */
  readonly size?: number;
  /** What changed since it was built, by name. */
  readonly changed: readonly string[];
  /** Signed with another key than the one that signs now. */
  readonly signedByAnother?: true;
  /** An installed file that is missing or altered. */
  readonly damaged?: string;
  /** The same inputs failed before. */
  readonly remembered?: Failure;
}

export interface KernelCandidates {
  readonly kernel: Kernel;
  readonly hasHeaders: boolean;
  /** Where headers were looked for. */
  readonly headersAt: string;
  /** Without headers: builds may come from elsewhere, and where it is `only` nobody waits for headers. */
  readonly prebuilt?: 'prefer' | 'only';
  readonly candidates: readonly Candidate[];
}

/** One Module to drop from one Kernel. */
export interface Removal {
  readonly module: Module;
  readonly kernel: Kernel;
  /** `absent` if not said. */
  readonly want?: 'uninstalled' | 'absent';
  readonly why: 'source-leaving' | 'kernel-leaving' | 'asked';
}

/** What a typed command wants of one Module. */
export interface Target {
  readonly want: 'built' | 'installed';
  /** Build anew, and in spite of dependencies that nobody knows. */
  readonly force: boolean;
}

export interface PlanInput {
  readonly kernels: readonly KernelCandidates[];
  readonly removals: readonly Removal[];
  /** Show remembered failures instead of trying again. */
  readonly trustMemory: boolean;
  readonly headersMayFollow: boolean;
  /** The file that switches autoinstall off, if it is there. */
  readonly noAutoinstall?: string;
  /** Names that a command asks for: these and what they need is all that is planned, AUTOINSTALL or not. */
  readonly targets?: ReadonlyMap<string, Target>;
}
