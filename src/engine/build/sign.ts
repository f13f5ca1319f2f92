import { basename, join } from 'node:path';
import { findCommand, type KernelFacts } from '../kernel/kernel.ts';
import { fieldOf, modinfoOf } from '../kernel/modinfo.ts';
import type { SigningKey } from '../kernel/signing-key.ts';
import type { Problem } from '../problems.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { isInChroot } from '../system/chroot.ts';
import { familyOf } from '../system/distribution.ts';
import { exists } from '../system/files.ts';
import type { Log } from './log.ts';

/** Module signatures: made with the kernel's own sign-file, read again by modinfo. A failure is a warning. */

/** In a chroot the keys would be those of another system. */
const isWanted = (settings: Settings, facts: KernelFacts): boolean => {
  if (!facts.config.get('CONFIG_MODULE_SIG_HASH')) return false;
  if (settings.signing.when === 'false') return false;
  return settings.signing.when === 'true' || !isInChroot();
};

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

/** The signer and hash of a signed file as modinfo reads them; undefined if it is not signed so. */
const signatureProblem = async (run: Run, object: string, hash: string): Promise<Problem | undefined> => {
  const info = await modinfoOf(run, object);
  const found = fieldOf(info, 'sig_hashalgo');
  if (!fieldOf(info, 'signer')) return { problem: 'no-signature' };
  return found === hash ? undefined : { problem: 'other-hash', found, wanted: hash };
};

const signOne = async (
  run: Run,
  program: string,
  hash: string,
  key: SigningKey,
  object: string,
  log: Log,
): Promise<Problem | undefined> => {
  const argv = [program, hash, key.key, key.certificate, object] as const;
  const end = log.step(`Signing ${basename(object)}`, argv.join(' '));
  // The caller's environment: a token may want its PIN from it.
  const ended = await run.processes.run({ argv, environment: run.environment, log: log.descriptor, limit: 120 });
  end(ended.code);
  if (ended.code !== 0) return { problem: 'command-failed', command: basename(program), code: ended.code };
  return signatureProblem(run, object, hash);
};

/** Sign uncompressed objects in place, where the kernel's configuration knows signatures. */
export const signObjects = async (run: Run, site: BuildSite, objects: readonly string[], log: Log): Promise<void> => {
  const { facts } = site;
  if (objects.length === 0 || !isWanted(run.settings, facts)) return;
  const warn = (why: Problem): void => run.note({ note: 'not-signed', module: site.module, kernel: site.kernel, why });
  const program = signProgram(run.settings, facts);
  if (!program) return warn({ problem: 'no-sign-file' });
  const ready = await run.signingKey(site.kernel);
  if ('problem' in ready) return warn(ready.problem);
  const hash = facts.config.get('CONFIG_MODULE_SIG_HASH') ?? 'sha256';
  for (const object of objects) {
    const problem = await signOne(run, program, hash, ready.key, object, log);
    if (problem) return warn(problem);
  }
};
