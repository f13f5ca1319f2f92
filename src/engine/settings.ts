import type { ComingPackages } from './request.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where things are; each can be given on the command line for tests and private trees. */
export interface Places {
  readonly dkmsTree: string;
  readonly sourceTree: string;
  readonly installTree: string;
  /** Instead of /etc/dkms. */
  readonly confDir: string;
  readonly stateDir: string;
  /** Instead of /etc/os-release. */
  readonly osRelease: string;
}

/** What the command line says over the settings files. */
export interface Overrides extends Partial<Places> {
  /** `-j`: the whole run's budget of cores; 0 is no limit. */
  readonly jobs?: number;
}

/** Whether modules of the system's own kernels are there. */
export const isSystemTree = (path: string): boolean => path === '/lib/modules' || path === '/usr/lib/modules';

export interface SigningSettings {
  /** `not_in_chroot` if not said. */
  readonly when: 'true' | 'false' | 'not_in_chroot';
  /** sign-file or a program with its arguments; `${kernelver}` is the release. */
  readonly program?: string;
  /** mok_signing_key: a path or a `pkcs11:` URI. */
  readonly key?: string;
  /** mok_certificate. */
  readonly certificate?: string;
}

/** Artifacts that other machines have built. */
export interface PrebuiltSettings {
  /** A registry or an absolute path of a directory, as written; missing where everything is built here. */
  readonly from?: string;
  /** What is not there, or not to be trusted, is built here, or has failed. */
  readonly policy: 'prefer' | 'only';
  /** The Builders that are believed: an allowed signers file of ssh-keygen(1). */
  readonly signers: string;
  /** Keys that are believed no more, also if they are listed; need not be there. */
  readonly revoked: string;
  /** What registries want to see: containers-auth.json(5); need not be there. */
  readonly auth: string;
  /** What `push` signs with: a private key, or a public one whose private half an agent has. */
  readonly pushKey?: string;
  /** Modules keep the signatures that their Builder has given them: the machines share a key for modules. */
  readonly keepSignatures: boolean;
}

/** Whether builds are confined: `auto` builds once more without it where that seems to be what failed. */
export type Sandbox = 'auto' | 'strict' | 'no';

/** How much is asked before a transaction changes anything: the confs, or builds of what is required, or of all. */
export type KernelGuard = 'no' | 'yes' | 'build' | 'build-all';

/** What this run goes by: defaults, then framework.conf, then the command line. */
export interface Settings extends Places {
  /** Cores that the whole run may use; 0 is no limit. */
  readonly jobs: number;
  /** ID, ID_LIKE and PLATFORM as os-release says them; which one counts is decided where it is used. */
  readonly distribution: string;
  readonly autoinstallAllKernels: boolean;
  /** Patterns of the shell: releases that are looked after where no command names them; all, if there is none. */
  readonly kernels: readonly string[];
  /** The same: releases that are not. */
  readonly skipKernels: readonly string[];
  readonly symlinkModules: boolean;
  /** Build no source of which somebody else than root owns a file. */
  readonly strictSources: boolean;
  readonly modprobeOnInstall: boolean;
  /** After so many minutes without output a command of a conf is ended; 0: never. */
  readonly buildLimit: number;
  readonly kernelGuard: KernelGuard;
  /** Minutes that the builds of a guard may take; 0: no limit. */
  readonly guardLimit: number;
  /** A kernel on which required modules are missing is not booted by default. */
  readonly bootGuard: boolean;
  readonly sandbox: Sandbox;
  /** Modules whose builds are never confined. */
  readonly unconfinedModules: readonly string[];
  /** Bytes that the Store of builds may take; 0: nothing is kept there. */
  readonly storeSize: number;
  readonly prebuilt: PrebuiltSettings;
  /** Say every step, as --verbose does. */
  readonly verbose: boolean;
  readonly postTransaction?: string;
  readonly signing: SigningSettings;
  /** A shell file whose exports every build gets. */
  readonly buildEnvironment?: string;
  readonly addonModulesDir?: string;
  /** Options of gzip, xz and zstd, as words. */
  readonly compressOptions: Readonly<Record<'gz' | 'xz' | 'zst', readonly string[]>>;
  /** Where temporary directories are made. */
  readonly temporary: string;
  /** Modules without which nobody should reboot. */
  readonly requiredModules: readonly string[];
  /** Every framework variable as written, for confs that read them. */
  readonly variables: Readonly<Record<string, string>>;
  /** The caller's environment. */
  readonly environment: Environment;
  /** Installing into another tree than the system's own: depmod then works on a temporary base. */
  readonly privateInstallTree: boolean;
  /** In a trial: what comes, which no package manager knows yet. */
  readonly comingPackages?: ComingPackages;
  /** All happens in the view of a trial: nothing of the machine's own is run, made or signed. */
  readonly isTrial: boolean;
}
