import { basename } from 'node:path';
import { fieldOf, modinfoOf } from '../kernel/modinfo.ts';
import { isSecureBootOn } from '../kernel/secure-boot.ts';
import { isSigningWanted, signatureHash, signerOf, signProgram, unsigned } from '../kernel/signer.ts';
import type { SigningKey } from '../kernel/signing-key.ts';
import type { Problem } from '../problems.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Log } from './log.ts';

/** Module signatures: made with the kernel's own sign-file, read again by modinfo. A failure is a warning. */

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

/** The first problem of a signature; undefined if all objects are signed. */
const problemOf = async (
  run: Run,
  { facts, kernel }: BuildSite,
  objects: readonly string[],
  log: Log,
): Promise<Problem | undefined> => {
  const program = signProgram(run.settings, facts);
  if (!program) return { problem: 'no-sign-file' };
  const ready = await run.signingKey(kernel);
  if ('problem' in ready) return ready.problem;
  for (const object of objects) {
    const problem = await signOne(run, program, signatureHash(facts), ready.key, object, log);
    if (problem) return problem;
  }
  return undefined;
};

/** A machine without headers is without sign-file on purpose: there it matters where the firmware wants signatures. */
const isWorthTelling = async (run: Run, { facts }: BuildSite, { problem }: Problem): Promise<boolean> =>
  problem !== 'no-sign-file' || facts.headers !== undefined || isSecureBootOn(run.processes);

/** Whether objects are signed now, and by what, as it is remembered with the build: nothing where there are none. */
interface Signed {
  readonly isSigned: boolean;
  readonly signer?: string;
}

/** Sign uncompressed objects in place, where the kernel's configuration knows signatures. */
export const signObjects = async (run: Run, site: BuildSite, objects: readonly string[], log: Log): Promise<Signed> => {
  const { facts, module, kernel } = site;
  if (objects.length === 0) return { isSigned: false };
  if (!isSigningWanted(run.settings, facts)) return { isSigned: false, signer: unsigned };
  const why = await problemOf(run, site, objects, log);
  if (why && (await isWorthTelling(run, site, why))) run.note({ note: 'not-signed', module, kernel, why });
  // The key may have been made just now.
  const signer = signerOf(run.settings, facts);
  return { isSigned: !why, signer: (why ? signer?.tried : signer?.signed) ?? unsigned };
};
