import { dirname, join } from 'node:path';
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
export type KeyResult = { readonly key: SigningKey; readonly isNew: boolean } | { readonly problem: string };

const forKernel = (path: string, release: string): string => path.replaceAll(/\$\{?kernelver\}?/g, release);

const isToken = (key: string): boolean => key.startsWith('pkcs11:');

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

const isComplete = ({ key, certificate }: SigningKey): boolean => (isToken(key) || exists(key)) && exists(certificate);

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

/** The key for a kernel, made if it is missing. */
export const readyKey = async (settings: Settings, release: string, processes: Processes): Promise<KeyResult> => {
  const wanted = signingKeyOf(settings, release);
  if (isComplete(wanted)) return { key: wanted, isNew: false };
  const problem = wanted === ubuntuKey ? await askUbuntu(processes) : await makeKey(wanted, processes);
  return problem === undefined ? { key: wanted, isNew: true } : { problem };
};
