import { join } from 'node:path';
import type { Settings } from '../settings.ts';
import { isInChroot } from '../system/chroot.ts';
import { familyOf } from '../system/distribution.ts';
import { exists, hashFile, hashText, stat } from '../system/files.ts';
import { findCommand, type KernelFacts } from './kernel.ts';
import { isToken, signingKeyOf } from './signing-key.ts';

/** What modules for a kernel are signed by, and how a change of it is seen. */

/** Whether modules for a kernel are to be signed. In a chroot the keys would be those of another system. */
export const isSigningWanted = (settings: Settings, facts: KernelFacts): boolean => {
  if (!facts.config.get('CONFIG_MODULE_SIG_HASH')) return false;
  if (settings.signing.when === 'false') return false;
  return settings.signing.when === 'true' || !isInChroot();
};

/** The hash algorithm of a kernel's signatures, as sign-file wants it. */
export const signatureHash = (facts: KernelFacts): string => facts.config.get('CONFIG_MODULE_SIG_HASH') ?? 'sha256';

/** `6.1.0-56-amd64` is served by linux-kbuild-6.1. */
const lessLastDot = (release: string): string => release.replace(/\.[^.]*$/, '');

const candidates = (settings: Settings, facts: KernelFacts): string[] => {
  const { release } = facts.kernel;
  const own = settings.signing.program?.replaceAll(/\$\{?kernelver\}?/g, release);
  const family = familyOf(settings.distribution);
  return [
    ...(own ? [own] : []),
    ...(family === 'debian' ? [`/usr/lib/linux-kbuild-${lessLastDot(release)}/scripts/sign-file`] : []),
    ...(family === 'ubuntu' ? [findCommand('kmodsign', settings.environment.PATH ?? '') ?? ''] : []),
    ...(family === 'gentoo' ? [`/usr/src/linux-${release}/scripts/sign-file`] : []),
    ...(facts.headers ? [join(facts.headers, 'scripts/sign-file')] : []),
  ].filter(Boolean);
};

/** The program that signs for a kernel; undefined if there is none. */
export const signProgram = (settings: Settings, facts: KernelFacts): string | undefined =>
  candidates(settings, facts).find(exists);

/** What signs now, as it is remembered with a build: one text where it went well, another where it did not. */
export interface Signer {
  readonly signed: string;
  readonly tried: string;
  readonly hasCertificate: boolean;
  /** What a Builder has signed stays so. */
  readonly keepsOthers: boolean;
}

/** Remembered of a build that nothing was to sign. */
export const unsigned = 'unsigned';

/** Remembered of a build that keeps the signatures of the Builder who made it. */
export const signedByBuilder = 'builder';

const stampOf = (path: string): string => {
  const facts = stat(path);
  return facts ? `${facts.size} ${facts.mtimeMs}` : '';
};

/** What would sign for a kernel now; undefined where nothing would. Makes no key. */
export const signerOf = (settings: Settings, facts: KernelFacts): Signer | undefined => {
  const program = isSigningWanted(settings, facts) ? signProgram(settings, facts) : undefined;
  if (program === undefined) return undefined;
  const { key, certificate } = signingKeyOf(settings, facts.kernel.release);
  const hasCertificate = stat(certificate)?.kind === 'file';
  const signature = [hasCertificate ? hashFile(certificate) : '', signatureHash(facts)];
  return {
    signed: `signed ${hashText(...signature)}`,
    tried: `tried ${hashText(...signature, program, certificate, key, isToken(key) ? '' : stampOf(key))}`,
    hasCertificate,
    keepsOthers: settings.prebuilt.keepSignatures,
  };
};

/**
 * Whether a build is to be signed anew. What was signed stays so without a certificate: the next one would be a new
 * one, which nobody has enrolled yet.
 *
 * @param remembered missing in records of earlier versions of ours, and of what dkms built
 */
export const isSignedByAnother = (remembered: string | undefined, now: Signer | undefined): boolean => {
  if (remembered === undefined || !now) return false;
  if (remembered === now.signed || remembered === now.tried) return false;
  if (remembered === signedByBuilder) return !now.keepsOthers && now.hasCertificate;
  return now.hasCertificate || !remembered.startsWith('signed ');
};
