import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { dropArtifact } from '../store/artifacts.ts';
import { kernelOf, moduleOf, storedBuilds } from '../store/builds.ts';
import type { Processes } from '../system/exec.ts';
import { exists } from '../system/files.ts';

/** What came from a Builder is not kept when its key is revoked later. */

const fingerprint = /\bSHA256:[A-Za-z0-9+/]{43}/;

/** A key revocation list, and a list of public keys: ssh-keygen(1), "KEY REVOCATION LISTS". */
const questions = [
  ['-Q', '-l', '-f'],
  ['-l', '-f'],
] as const;

/**
 * Fingerprints of the keys in revoked_signers; none where there is no such file. Certificates that a key revocation list has
 * by number or name, and not by their key, are not among them.
 */
export const revokedKeys = async (
  processes: Processes,
  { prebuilt: { revoked } }: Settings,
): Promise<ReadonlySet<string>> => {
  if (!exists(revoked)) return new Set();
  for (const words of questions) {
    const { code, output } = await processes.ask(['ssh-keygen', ...words, revoked], { limit: 30 });
    if (code === 0) return new Set(output.split('\n').flatMap((line) => fingerprint.exec(line)?.[0] ?? []));
  }
  return new Set();
};

/** What it takes to look into the Store for them. */
type Looker = Pick<Run, 'settings' | 'revokedKeys' | 'note'>;

/**
 * Take builds of a module out of the Store that were signed with a key which is revoked by now.
 *
 * @param name of the module; of all if none is given
 */
export const dropRevoked = async (
  { settings: { stateDir }, revokedKeys, note }: Looker,
  name?: string,
): Promise<void> => {
  const revoked = await revokedKeys();
  if (revoked.size === 0) return;
  for (const { stored, statement } of storedBuilds(stateDir, {
    names: name === undefined ? [] : [name],
    releases: [],
  })) {
    const { by = '', signer = '', parts } = statement;
    if (!revoked.has(signer)) continue;
    dropArtifact(stateDir, stored.name, stored.key);
    note({ note: 'builder-revoked', module: moduleOf(parts), kernel: kernelOf(parts), by, key: signer });
  }
};
