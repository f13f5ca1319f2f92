import type { Module } from './request.ts';

/** A compiler or linker by the number of its version that counts. */
export interface ToolVersion {
  readonly tool: 'gcc' | 'clang' | 'lld';
  readonly major: number;
}

/** What we find wrong ourselves, as data: report/problems.ts makes a sentence of it. A new kind is a row in both. */
export interface Problems {
  /** Whoever knows said it himself: bash, openssl, tar. */
  said: { readonly text: string };
  'directive-missing': { readonly directive: string };
  'directive-invalid': { readonly directive: string; readonly value: string };
  'not-yes-or-no': { readonly directive: string; readonly value: string };
  'other-module': { readonly found: Module; readonly expected: Module };
  'other-directory': { readonly module: Module; readonly expected: string };
  'object-suffix': { readonly name: string };
  'object-name': { readonly name: string };
  'outside-build': { readonly directive: string; readonly value: string };
  destination: { readonly directive: string; readonly value: string };
  'built-twice': { readonly name: string };
  'installed-twice': { readonly name: string };
  /** The shell that read a dkms.conf did not get to the end of it. */
  'shell-ended': Record<never, never>;
  'member-outside': { readonly member: string };
  'member-type': { readonly member: string };
  'member-unreadable': { readonly line: string };
  'link-outside': { readonly member: string; readonly target: string };
  'version-magic': { readonly found: string; readonly wanted: string };
  'unknown-symbol': { readonly symbol: string };
  /** The kernel's own module that exports it is not installed. */
  'module-not-there': { readonly symbol: string; readonly module: string };
  unsigned: Record<never, never>;
  'not-listed': { readonly release: string };
  'symbol-version': {
    readonly symbol: string;
    readonly wanted: string;
    readonly exporter: string;
    readonly crc: string;
  };
  /** Built without the symbols of an object, or of the kernel if none is named; of another module if that is. */
  'no-symbol-version': { readonly symbol: string; readonly object?: string; readonly dependency?: string };
  'needs-unloadable': { readonly object: string };
  'file-gone': Record<never, never>;
  'key-missing': { readonly key: string; readonly certificate: string };
  'key-mismatch': { readonly key: string; readonly certificate: string };
  'no-sign-file': Record<never, never>;
  /** A program that builds for a kernel is not here; what built the kernel is said where it is known. */
  'program-missing': { readonly program: string; readonly release: string; readonly built?: ToolVersion };
  'program-older': { readonly release: string; readonly built: ToolVersion; readonly found: ToolVersion };
  /** A module has Rust sources; what is not said was not there. */
  'rust-version': { readonly release: string; readonly built?: string; readonly found?: string };
  'command-failed': { readonly command: string; readonly code: number };
  'no-signature': Record<never, never>;
  /** Nothing here boots kernels that we know. */
  'no-boot-loader': Record<never, never>;
  /** Of prebuilt Artifacts. */
  'registry-name': { readonly name: string };
  'no-answer': { readonly said: string };
  'credentials-refused': { readonly said: string };
  'signers-missing': { readonly path: string };
  'signers-unsafe': { readonly path: string };
  'no-statement': Record<never, never>;
  'signature-wrong': Record<never, never>;
  /** Keys are named by their fingerprints. */
  'signer-unknown': { readonly key: string; readonly signers: string };
  'signer-untimely': { readonly key: string; readonly said: string };
  'signer-revoked': { readonly key: string };
  'statement-version': { readonly found: string };
  'statement-malformed': { readonly at: string };
  /** It is signed, and another build. */
  /** A source or headers, or the result of an order. */
  'other-input': { readonly found: string };
  'other-key': { readonly found: string };
  /** It is signed, and another build than the kernel tag stands for; what is not said is the same. */
  'other-kernel-tag': { readonly found: string; readonly kernelPackage?: string };
  /** No package owns the kernel: nobody can tell which headers are its own. */
  'kernel-unpackaged': { readonly release: string };
  'not-as-signed': { readonly what: string };
  'too-large': { readonly what: string; readonly size?: number; readonly most: number };
  /** Nobody knows all that goes into the build here: the kernel's headers or compiler are missing. */
  'key-unknown': Record<never, never>;
  'other-hash': { readonly found: string; readonly wanted: string };
}

/** What is wrong. */
export type Problem<K extends keyof Problems = keyof Problems> = {
  [P in K]: { readonly problem: P } & Problems[P];
}[K];
