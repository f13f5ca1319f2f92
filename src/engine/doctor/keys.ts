import { enrolmentOf } from '../kernel/secure-boot.ts';
import { isToken, keyMismatch, type SigningKey, signingKeyOf } from '../kernel/signing-key.ts';
import type { Processes } from '../system/exec.ts';
import { exists, stat } from '../system/files.ts';
import { chmod } from '../system/publish.ts';
import type { Check, Found, View } from './view.ts';

/** The keys that modules are signed with. */

/** A key may differ from kernel to kernel, where its path says so. */
const keysOf = ({ settings, releases }: View): SigningKey[] => {
  const all = ['', ...releases].map((release) => signingKeyOf(settings, release));
  return [...new Map(all.map((one) => [`${one.key}\0${one.certificate}`, one])).values()];
};

const readable = ({ key }: SigningKey): Found[] => {
  const mode = stat(key)?.mode ?? 0;
  if (isToken(key) || (mode & 0o077) === 0) return [];
  return [{ diagnosis: { code: 'key-readable', path: key, mode }, repair: () => chmod(key, 0o600) }];
};

/** openssl says 1 where it is over, and prints what it thinks: x509(1), -checkend. */
const isExpired = async (certificate: string, processes: Processes): Promise<boolean> => {
  const words = ['-in', certificate, '-noout', '-checkend', '0'];
  for (const form of ['DER', 'PEM']) {
    const ended = await processes.ask(['openssl', 'x509', '-inform', form, ...words], { limit: 30 });
    if (/will (not )?expire/.test(ended.output)) return /will expire/.test(ended.output);
  }
  return false;
};

const certificateOf = async ({ run }: View, keys: SigningKey): Promise<Found[]> => {
  const { key, certificate } = keys;
  if (!exists(certificate)) return [];
  const found: Found[] = [];
  if (!isToken(key) && !exists(key)) found.push({ diagnosis: { code: 'key-missing', path: key, certificate } });
  else if (await keyMismatch(keys, run.processes))
    found.push({ diagnosis: { code: 'key-mismatch', path: key, certificate } });
  if (await isExpired(certificate, run.processes))
    found.push({ diagnosis: { code: 'certificate-expired', path: certificate } });
  const enrolment = await enrolmentOf(certificate, run.processes);
  if (enrolment === 'missing') found.push({ diagnosis: { code: 'certificate-not-enrolled', path: certificate } });
  if (enrolment === 'pending') found.push({ diagnosis: { code: 'enrolment-pending', path: certificate } });
  return found;
};

export const checkKeys: Check = async (view) => {
  const found: Found[] = [];
  for (const keys of keysOf(view)) found.push(...readable(keys), ...(await certificateOf(view, keys)));
  return found;
};
