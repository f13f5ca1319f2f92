import type { Failure } from './errors.ts';
import type { Outcome } from './outcome.ts';
import type { Note } from './progress.ts';
import type { Kernel, Module } from './request.ts';

/** What builds become for other machines: part of the engine's answers. Data only. */

/** One build of the Store, and what became of it. */
export interface PushedEntry {
  /** `name/version`. */
  readonly module: string;
  /** `release/arch`. */
  readonly kernel: string;
  /** SHA-256 in hex. */
  readonly key: string;
  readonly bytes: number;
  /** As tools for registries name it. */
  readonly artifact: string;
  /**
   * `planned`: in a dry run; `foreign`: another Builder made it, and has pushed it; `damaged`: the Store has lost some of
   * it.
   */
  readonly state: 'pushed' | 'there' | 'planned' | 'foreign' | 'damaged';
  /** It cannot be built anywhere, and that is what was pushed. */
  readonly failure?: Failure;
  /** Machines without headers do not find it: no package of its kernel is known. */
  readonly untagged?: true;
  /** keep_signatures is set, and it is not built and signed here. */
  readonly unsigned?: true;
}

/** What other machines can take now. */
export interface PushAnswer {
  readonly kind: 'pushed';
  /** In the order in which they were pushed. */
  readonly entries: readonly PushedEntry[];
  /** A registry or directory. */
  readonly to: string;
  /** Fingerprint of the key that signed. */
  readonly key: string;
  /** Why it came to an end before all was pushed. */
  readonly failures: readonly Failure[];
}

/** One package of built modules. */
export interface PackedEntry {
  /** `name/version`. */
  readonly module: string;
  /** `release/arch`. */
  readonly kernel: string;
  /** SHA-256 in hex. */
  readonly key: string;
  /** Name of the package's file. */
  readonly file: string;
  /** `there`: with the very same bytes; `planned`: in a dry run. */
  readonly state: 'packed' | 'there' | 'planned';
  /** Missing in a dry run. */
  readonly bytes?: number;
  /** Whether the modules in it are; missing in a dry run. */
  readonly isSigned?: boolean;
}

/** Packages for nodes that build nothing. */
export interface PackAnswer {
  readonly kind: 'packed';
  /** Absolute path of the directory that has them. */
  readonly output: string;
  /** Dependencies first. */
  readonly entries: readonly PackedEntry[];
  /** Kernels whose own package is not installed here, and the name that dependencies have for it. */
  readonly guessed: readonly { readonly release: string; readonly name: string }[];
  /** Of modules that could not be packed. */
  readonly failures: readonly Failure[];
}

/** What became of one module for one kernel, here and in the registry. */
export interface ProducedAnswer {
  readonly kind: 'produced';
  readonly module: Module;
  readonly kernel: Kernel;
  readonly outcome: Outcome;
  readonly seconds: number;
  /** What is in the registry now: the build, or the word that it fails; missing where neither can be. */
  readonly pushed?: { readonly state: 'pushed' | 'there'; readonly artifact: string };
  readonly notes: readonly Note[];
  /** What kept it from going there. */
  readonly failures: readonly Failure[];
  readonly signal?: 'SIGINT' | 'SIGTERM';
}
