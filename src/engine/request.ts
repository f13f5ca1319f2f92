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

/** A kernel as -k names it; of this machine's architecture if it says none. */
type NamedKernel = Pick<Kernel, 'release'> & Partial<Kernel>;

/** Which kernels a sync looks after. */
export type KernelScope =
  /** `-k`: these and no others; built for even if there are only headers. */
  | { readonly kind: 'only'; readonly kernels: readonly NamedKernel[] }
  /** The named ones (of an event), the running one and the newest. */
  | { readonly kind: 'current'; readonly releases: readonly string[] }
  /** The one that runs, if it is installed. */
  | { readonly kind: 'running' }
  /** dkms without -k: the one that runs, or in its place the newest that is installed. */
  | { readonly kind: 'here'; readonly arch?: string }
  /** Every kernel that can be booted. */
  | { readonly kind: 'bootable' }
  /** Nobody said: every bootable one where the distribution is Arch, else as `current`. */
  | {
      readonly kind: 'usual';
      /** These are looked after too, as far as they can be booted. */
      readonly releases?: readonly string[];
    };

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
  /** More packages are set up after us: a kernel without headers is deferred, not failed; sources without a setup count. */
  readonly transactionGoesOn: boolean;
  /** Releases whose initramfs is made after us by somebody else. */
  readonly initramfsFollows: readonly string[];
  /** Leaving things only: drop them and build nothing. */
  readonly dropOnly: boolean;
  /** Plan and stop; nothing is changed. */
  readonly dryRun: boolean;
  /** In the view of a trial, where all that is changed goes away with it but for what is built. */
  readonly trial?: {
    /** These and what they need; all that are wanted where none is named. */
    readonly names: readonly string[];
    readonly coming: ComingPackages;
  };
}

const nothing: Named = { kernels: [], sources: [] };

/** What knows which package a file came in. */
export const packageManagers = ['dpkg', 'rpm', 'pacman'] as const;

/**
 * The package that a kernel, or its headers, came in. Both are made from one source and have one version: linux-image-K
 * and linux-headers-K of Debian and Ubuntu, kernel-core and kernel-devel of Fedora, linux and linux-headers of Arch. So a
 * machine that has the kernel alone knows which headers are its own.
 */
export interface KernelPackage {
  readonly manager: (typeof packageManagers)[number];
  readonly name: string;
  /** With epoch and revision, as the package manager compares it. */
  readonly version: string;
}

/** By release the packages in which a kernel, and its headers, would come. */
export type ComingPackages = Readonly<
  Record<string, { readonly kernel?: KernelPackage; readonly headers?: KernelPackage }>
>;

/** A sync that somebody typed, not in a transaction. */
export const typedSync = (scope: KernelScope, more: Partial<SyncRequest> = {}): SyncRequest => ({
  verb: 'sync',
  origin: 'typed',
  scope,
  touched: nothing,
  leaving: nothing,
  transactionGoesOn: false,
  initramfsFollows: [],
  dropOnly: false,
  dryRun: false,
  ...more,
});

/** The state of everything known, or of what fits. */
export interface StatusRequest {
  readonly verb: 'status';
  readonly name?: string;
  readonly version?: string;
  /** With these, what is built only for others counts as added, once for each. */
  readonly kernels: readonly Pick<Kernel, 'release'>[];
  readonly arches: readonly string[];
  /** Only what failed, waits for what failed, or is broken. */
  readonly onlyFailed?: boolean;
}

/** The last failure of a module again, with its log. */
export interface LogRequest {
  readonly verb: 'log';
  readonly name: string;
  readonly version?: string;
  readonly release?: string;
}

/** Whether what is installed on the kernels will load. */
export interface VerifyRequest {
  readonly verb: 'verify';
  readonly scope: KernelScope;
}

/** What has changed since a module was built. */
export interface WhyRequest {
  readonly verb: 'why';
  readonly name: string;
  readonly version?: string;
  readonly scope: KernelScope;
}

/** What was built and kept. */
export interface StoreRequest {
  readonly verb: 'store';
  /** `gc`: down to its limit; `verify`: every byte is looked at, and what is damaged is dropped. */
  readonly action: 'list' | 'gc' | 'verify';
}

/** Builds of the Store for other machines. */
export interface PushRequest {
  readonly verb: 'push';
  /** Releases; builds for any if none is named. */
  readonly releases: readonly string[];
  /** NAME or NAME/VERSION; builds of any module if none is named. */
  readonly names: readonly string[];
  /** Nothing is sent, and no registry is asked. */
  readonly dryRun: boolean;
}

/** Package managers whose packages are made. */
export type PackageFormat = 'deb' | 'rpm' | 'pacman';

/** Builds of the Store as packages for nodes that build nothing. */
export interface PackRequest {
  readonly verb: 'pack';
  /** Releases, one at least. */
  readonly releases: readonly string[];
  /** NAME or NAME/VERSION; builds of every module if none is named. */
  readonly names: readonly string[];
  readonly format: PackageFormat;
  /** Absolute path of the directory that gets them. */
  readonly output: string;
  /** Nothing is made. */
  readonly dryRun: boolean;
}

/** Packages that a transaction is about to bring. */
export interface GuardRequest {
  readonly verb: 'guard';
  /** Absolute paths of package files. */
  readonly archives: readonly string[];
  /** Those of compilers and the like. */
  readonly tools: readonly string[];
  /** Names whose files pacman knows. */
  readonly packages: readonly string[];
  /** The words that start this program once more. */
  readonly program: readonly [string, ...string[]];
}

/** Whether modules will build and load on a kernel, before it is installed. */
export interface TryRequest {
  readonly verb: 'try';
  /** Absolute paths of package files that would be installed. */
  readonly archives: readonly string[];
  /** What the package manager would install next is looked for. */
  readonly next: boolean;
  /** Releases; those that packages bring, or else the usual ones, where none is named. */
  readonly releases: readonly string[];
  /** Names of modules, as SyncRequest.trial. */
  readonly names: readonly string[];
  /** The words that start this program once more. */
  readonly program: readonly [string, ...string[]];
}

/** Every module built for every kernel; nothing is installed. */
export interface MatrixRequest {
  readonly verb: 'matrix';
  /** Names of modules in the dkms tree. */
  readonly names: readonly string[];
  /** Absolute paths of source directories. */
  readonly directories: readonly string[];
  /** Absolute paths of packages of headers, and what they need. */
  readonly archives: readonly string[];
  /** Absolute paths of directories of headers, or with such packages in them. */
  readonly places: readonly string[];
  readonly releases: readonly string[];
  /** On the machines of a cluster, with so many cores for each job. */
  readonly slurm?: { readonly cores: number };
  /** The words that start this program once more. */
  readonly program: readonly [string, ...string[]];
}

/** A source in the registry. */
export interface NamedSource {
  /** `name/version`. */
  readonly name: string;
  /** SHA-256 in hex of its archive. */
  readonly hash: string;
}

/** One module built for one kernel from what is in the registry; what comes of it goes there, too. */
export interface ProduceRequest {
  readonly verb: 'produce';
  readonly module: Module;
  readonly release: string;
  /** Its own and those of what it needs; those of this machine where none is named. */
  readonly sources: readonly NamedSource[];
  /** SHA-256 in hex of their archive; those of this machine where none is named. */
  readonly headers?: string;
  /** What whoever waits for the result calls it. */
  readonly ticket?: string;
  /** The words that start this program once more. */
  readonly program: readonly [string, ...string[]];
}

/** A directory or file that is looked at. */
export interface LintOperand {
  /** As it was typed. */
  readonly typed: string;
  /** Absolute path. */
  readonly path: string;
}

/** What is wrong with sources and packages of modules. */
export interface LintRequest {
  readonly verb: 'lint';
  readonly operands: readonly LintOperand[];
}

/** What is wrong with the dkms tree, the state directory, keys, hooks and settings. */
export interface DoctorRequest {
  readonly verb: 'doctor';
  /** Repair what can be repaired safely. */
  readonly fix: boolean;
}

/** What the boot loader boots by default. */
export interface BootGuardRequest {
  readonly verb: 'boot-guard';
  /** Hold nothing back any more. */
  readonly undo: boolean;
}

/** What a dkms command is about: a module, or a directory with a dkms.conf in it (or that file). */
export type Operand =
  | { readonly kind: 'module'; readonly name: string; readonly version?: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'archive'; readonly path: string };

/** Switches of dkms that change how a command is carried out. */
export interface Switches {
  readonly force: boolean;
  /** Replace an in-tree module whatever its version. */
  readonly forceVersionOverride: boolean;
  readonly noDepmod: boolean;
  readonly modprobe: boolean;
  readonly symlink: boolean;
  /** NAME=value or NAME[i]=value. */
  readonly directives: readonly string[];
  /** Instead of the source's dkms.conf. */
  readonly conf?: string;
  /** Instead of `<install tree>/<kernel>/build`. */
  readonly kernelSource?: string;
  /** Instead of the headers' own configuration. */
  readonly kernelConfig?: string;
  readonly rpmSafeUpgrade: boolean;
}

/** What a command gave for a build besides the source: remembered with what it built. Absolute paths. */
export type Given = Partial<Pick<Switches, 'conf' | 'kernelSource' | 'kernelConfig' | 'directives'>>;

/** No -k was given: the kernel is the one that runs, or in its place the newest that is installed. */
type KernelUnsaid = true;

type ModuleVerb = 'add' | 'build' | 'install' | 'uninstall' | 'unbuild' | 'remove';

/** A dkms command about one Module. */
export interface ModuleRequest {
  readonly verb: ModuleVerb;
  readonly operand?: Operand;
  /** `all`: build and install for every kernel with headers, the others for every kernel it is built for. */
  readonly kernels: readonly Kernel[] | 'all';
  readonly kernelUnsaid?: KernelUnsaid;
  readonly switches: Switches;
  /** `remove`, said by a package that brings another version: what is installed stays until that one is. */
  readonly replacementFollows?: boolean;
  /** `add`, said while a package is set up: it may be registered by now, with the kernel that came with it. */
  readonly mayBeKnown?: boolean;
  /** Said by a package's own script: the package manager must not hang on another run for ever. */
  readonly inTransaction?: boolean;
}

/** Install on a kernel what is installed on another. */
export interface MatchRequest {
  readonly verb: 'match';
  readonly template?: string;
  readonly kernel: Kernel;
  readonly kernelUnsaid?: KernelUnsaid;
  readonly switches: Switches;
}

/** Before a kernel is put in place again: drop what autoinstall will build anew. */
export interface PreinstRequest {
  readonly verb: 'kernel_preinst';
  readonly kernel: Kernel;
  readonly switches: Switches;
}

export interface MktarballRequest {
  readonly verb: 'mktarball';
  readonly operand?: Operand;
  readonly kernels: readonly Kernel[] | 'all';
  readonly kernelUnsaid?: KernelUnsaid;
  /** A path, or a file name in the module's tarball directory. */
  readonly archive?: string;
  readonly sourceOnly: boolean;
  readonly binariesOnly: boolean;
  readonly switches: Switches;
}

export interface LdtarballRequest {
  readonly verb: 'ldtarball';
  /** Absolute path. */
  readonly archive?: string;
  readonly switches: Switches;
}

/** Make the key and certificate that modules are signed with, if they are missing. */
interface KeyRequest {
  readonly verb: 'generate_mok';
  readonly switches: Switches;
}

export type DkmsRequest =
  | ModuleRequest
  | MatchRequest
  | PreinstRequest
  | MktarballRequest
  | LdtarballRequest
  | KeyRequest;

export type Request =
  | SyncRequest
  | StatusRequest
  | LogRequest
  | VerifyRequest
  | GuardRequest
  | WhyRequest
  | StoreRequest
  | PushRequest
  | PackRequest
  | TryRequest
  | MatrixRequest
  | ProduceRequest
  | LintRequest
  | DoctorRequest
  | BootGuardRequest
  | DkmsRequest;

/** Whether two values mean the same module. */
export const sameModule = (a: Module, b: Module): boolean => a.name === b.name && a.version === b.version;

/** Whether two values mean the same kernel. */
export const sameKernel = (a: Kernel, b: Kernel): boolean => a.release === b.release && a.arch === b.arch;

/** `release/arch`: the same text for the same kernel, to look things up by. */
export const kernelKey = (kernel: Kernel): string => `${kernel.release}/${kernel.arch}`;

/** `name/version`, the way users and status lines write a module. */
export const moduleLabel = (module: Module): string => `${module.name}/${module.version}`;
