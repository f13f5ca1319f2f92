import { dirname, join } from 'node:path';
import type { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import { familyOf } from '../system/distribution.ts';
import type { Processes } from '../system/exec.ts';
import { exists } from '../system/files.ts';
import { chmod, makeDirectory, makeTemporary, remove, rename, syncPath } from '../system/publish.ts';

/** The key and certificate that modules are signed with; made on first use. */

/** What modules are signed with. */
export interface SigningKey {
  /** A PEM file, or a `pkcs11:` URI that is passed on as it is. */
  readonly key: string;
  /** A DER file. */
  readonly certificate: string;
}

/** A key that is ready to sign with, or why there is none. */
export type KeyResult = { readonly key: SigningKey; readonly isNew: boolean } | { readonly problem: Problem };

const forKernel = (path: string, release: string): string => path.replaceAll(/\$\{?kernelver\}?/g, release);

/** Whether a key is in a token (a `pkcs11:` URI), not in a file. */
export const isToken = (key: string): boolean => key.startsWith('pkcs11:');

const ubuntuKey: SigningKey = {
  key: '/var/lib/shim-signed/mok/MOK.priv',
  certificate: '/var/lib/shim-signed/mok/MOK.der',
};

const hasOwn = (settings: Settings): boolean => Boolean(settings.signing.key || settings.signing.certificate);

/** Where key and certificate are, whether they are there or not. */
export const signingKeyOf = (settings: Settings, release: string): SigningKey => {
  const { signing, dkmsTree, distribution } = settings;
  if (!hasOwn(settings) && familyOf(distribution) === 'ubuntu' && exists('/usr/sbin/update-secureboot-policy')) {
    return ubuntuKey;
  }
  return {
    key: forKernel(signing.key ?? join(dkmsTree, 'mok.key'), release),
    certificate: forKernel(signing.certificate ?? join(dkmsTree, 'mok.pub'), release),
  };
};

const hasKey = ({ key }: SigningKey): boolean => isToken(key) || exists(key);

/** RSA 2048, code signing, a hundred years: what the kernel's documentation and dkms's users expect. */
const makeWords = (own: string | undefined, key: string, certificate: string): readonly [string, ...string[]] => [
  'openssl',
  'req',
  '-new',
  '-x509',
  '-nodes',
  '-sha256',
  '-days',
  '36500',
  '-batch',
  '-subj',
  '/CN=DKMS module signing key/',
  '-addext',
  'extendedKeyUsage=codeSigning',
  '-outform',
  'DER',
  '-out',
  certificate,
  ...(own ? ['-key', own] : ['-newkey', 'rsa:2048', '-keyout', key]),
];

const publish = (from: string, to: string, mode: number): void => {
  makeDirectory(dirname(to));
  chmod(from, mode);
  syncPath(from);
  rename(from, to);
  syncPath(dirname(to));
};

/** Beside its place first; the private key never stands anywhere for others to read. */
const makeKey = async (wanted: SigningKey, processes: Processes): Promise<string | undefined> => {
  makeDirectory(dirname(wanted.certificate));
  const keyDirectory = isToken(wanted.key) ? undefined : makeTemporary(dirname(wanted.key), '.tmp_key_');
  const directory = makeTemporary(dirname(wanted.certificate), '.tmp_key_');
  const key = join(keyDirectory ?? directory, 'key');
  const certificate = join(directory, 'certificate');
  const own = isToken(wanted.key) || exists(wanted.key) ? wanted.key : undefined;
  try {
    const ended = await processes.ask(makeWords(own, key, certificate), { limit: 120 });
    if (ended.code !== 0) return ended.problem;
    if (!own) publish(key, wanted.key, 0o600);
    publish(certificate, wanted.certificate, 0o644);
    return undefined;
  } finally {
    remove(directory);
    if (keyDirectory) remove(keyDirectory);
  }
};

const askUbuntu = async (processes: Processes): Promise<string | undefined> => {
  const ended = await processes.ask(['/usr/sbin/update-secureboot-policy', '--new-key'], { limit: 120 });
  return ended.code === 0 ? undefined : ended.problem;
};

/** The public key that openssl reads; undefined if it reads none: what cannot be compared is left to sign-file. */
const publicKey = async (
  processes: Processes,
  command: string,
  words: readonly string[],
): Promise<string | undefined> => {
  const ended = await processes.ask(['openssl', command, ...words], { limit: 30 });
  return ended.code === 0 ? ended.output.trim() : undefined;
};

/** Whether signatures by a key would be those that its certificate, enrolled or not, vouches for. */
export const keyMismatch = async (
  { key, certificate }: SigningKey,
  processes: Processes,
): Promise<Problem | undefined> => {
  if (isToken(key)) return undefined;
  // An empty passphrase: openssl must not ask the terminal for one.
  const ofKey = await publicKey(processes, 'pkey', ['-in', key, '-pubout', '-passin', 'pass:']);
  if (ofKey === undefined) return undefined;
  const words = ['-in', certificate, '-noout', '-pubkey'];
  const ofCertificate =
    (await publicKey(processes, 'x509', ['-inform', 'DER', ...words])) ?? (await publicKey(processes, 'x509', words));
  if (ofCertificate === undefined || ofCertificate === ofKey) return undefined;
  return { problem: 'key-mismatch', key, certificate };
};

/**
 * The key for a kernel. It is made if neither key nor certificate is there, and a certificate for a key that has
 * none; what is there is never replaced, for it may be enrolled.
 */
export const readyKey = async (settings: Settings, release: string, processes: Processes): Promise<KeyResult> => {
  const wanted = signingKeyOf(settings, release);
  if (exists(wanted.certificate)) {
    const problem: Problem | undefined = hasKey(wanted)
      ? await keyMismatch(wanted, processes)
      : { problem: 'key-missing', ...wanted };
    return problem ? { problem } : { key: wanted, isNew: false };
  }
  const text = wanted === ubuntuKey ? await askUbuntu(processes) : await makeKey(wanted, processes);
  return text === undefined ? { key: wanted, isNew: true } : { problem: { problem: 'said', text } };
};
