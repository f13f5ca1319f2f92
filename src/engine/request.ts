/**
 * What somebody wants done. A typed command and a package manager's event meet here;
 * the engine knows no other way in.
 */

/** A module as the user says it: `zfs/2.3.9`. */
export interface Module {
  readonly name: string;
  readonly version: string;
}

/** A kernel release and the architecture that its modules are built for: `6.1.0-56-amd64`, `x86_64`. */
export interface Kernel {
  readonly release: string;
  readonly arch: string;
}

/** Which kernels a sync looks after. */
export type KernelScope =
  /** `-k`: these and no others; built for even if there are only headers. */
  | { readonly kind: 'only'; readonly releases: readonly string[] }
  /** The named ones (of an event), the running one and the newest. */
  | { readonly kind: 'current'; readonly releases: readonly string[] }
  /** Every kernel that can be booted. */
  | { readonly kind: 'bootable' }
  /** Nobody said: every bootable one where the distribution is Arch, else as `current`. */
  | { readonly kind: 'usual' };

/** Kernels (releases) and sources (directory names below the source tree, `zfs-2.3.9`). */
export interface Named {
  readonly kernels: readonly string[];
  readonly sources: readonly string[];
}

/** Bring the known set of modules into the wanted state; drop what an event names as removed. */
export interface SyncRequest {
  readonly verb: 'sync';
  /** `hook`: remembered failures are shown, not retried. `typed`: everything is tried again. */
  readonly origin: 'hook' | 'typed';
  readonly scope: KernelScope;
  /** Paths of these were installed, upgraded or removed: whether they are here is found by looking. */
  readonly touched: Named;
  /** These are about to be removed: their modules are dropped. */
  readonly leaving: Named;
  /** The transaction goes on after us: a kernel without headers is deferred, not failed. */
  readonly headersMayFollow: boolean;
  /** Leaving things only: drop them and build nothing. */
  readonly dropOnly: boolean;
  /** Plan and stop; nothing is changed. */
  readonly dryRun: boolean;
}

/** The state of everything known. */
export interface StatusRequest {
  readonly verb: 'status';
}

/** The last failure of a module again, with its log. */
export interface LogRequest {
  readonly verb: 'log';
  readonly name: string;
  readonly version?: string;
  readonly release?: string;
}

export type Request = SyncRequest | StatusRequest | LogRequest;

/** `name/version`, the way users and status lines write a module. */
export const moduleLabel = (module: Module): string => `${module.name}/${module.version}`;
