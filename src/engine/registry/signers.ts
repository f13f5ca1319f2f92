import { join } from 'node:path';
import { type Failure, FailureError } from '../errors.ts';
import type { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import { close, openToRead } from '../system/descriptors.ts';
import type { Argv, Ended, Processes } from '../system/exec.ts';
import { exists, readText, stat } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { isGroupWritable, mayBeAnybodys } from '../system/trust.ts';
import { toolProblem } from './remote.ts';

/** Who signed a Statement, and signing one: ssh-keygen(1) with its allowed signers. */

/** What signatures are for: one that was made for anything else is none of a Statement. */
const namespace = 'kmodsort-artifact-v1';

/** What is asked of processes here. */
interface Asker {
  readonly processes: Processes;
  readonly settings: Settings;
}

/** A Statement and its signature, in files. */
export interface Signed {
  readonly statement: string;
  readonly signature: string;
}

const isUnsafe = (path: string): boolean => {
  const isOthers = ![0, process.getuid?.()].includes(stat(path)?.uid);
  return isOthers || isGroupWritable(path) || mayBeAnybodys(path);
};

/** Why the files that say whom we believe are not believed themselves; undefined if they are. */
export const signersProblem = ({ prebuilt: { signers, revoked } }: Settings): Problem | undefined => {
  if (!exists(signers)) return { problem: 'signers-missing', path: signers };
  const path = [signers, revoked].filter(exists).find(isUnsafe);
  return path === undefined ? undefined : { problem: 'signers-unsafe', path };
};

/** ssh-keygen reads the message that was signed from its standard input. */
const askAbout = async ({ processes }: Asker, { statement }: Signed, words: readonly string[]): Promise<Ended> => {
  const input = openToRead(statement);
  try {
    return await processes.ask(['ssh-keygen', ...words], { limit: 30, input });
  } finally {
    close(input);
  }
};

const fingerprint = /\bSHA256:[A-Za-z0-9+/]{43}/;

/** The key that made a signature, whoever it belongs to, or why it is no signature of that Statement. */
const signingKey = async (
  asker: Asker,
  signed: Signed,
): Promise<{ readonly key: string } | { readonly problem: Problem }> => {
  const words = ['-Y', 'check-novalidate', '-n', namespace, '-s', signed.signature];
  const ended = await askAbout(asker, signed, words);
  if (ended.unstartable) return { problem: toolProblem(asker.settings, 'ssh-keygen', ended) };
  const key = ended.code === 0 ? fingerprint.exec(ended.output)?.[0] : undefined;
  return key === undefined ? { problem: { problem: 'signature-wrong' } } : { key };
};

/** Names that allowed_signers has for the key of a signature. */
const principalsOf = (asker: Asker, { signature }: Signed, signers: string): Promise<Ended> =>
  asker.processes.ask(['ssh-keygen', '-Y', 'find-principals', '-s', signature, '-f', signers], { limit: 30 });

const verify = (asker: Asker, signed: Signed, by: string, revoked: readonly string[]): Promise<Ended> => {
  const { signers } = asker.settings.prebuilt;
  const words = ['-Y', 'verify', '-f', signers, '-I', by, '-n', namespace, '-s', signed.signature, ...revoked];
  return askAbout(asker, signed, words);
};

/** What ssh-keygen says of a key that it would know at another time. */
const outOfTime = /key (?:has expired|is not yet valid): .*$/m;

const untimely = (key: string, ended: Ended): Problem | undefined => {
  const said = outOfTime.exec(ended.errors)?.[0];
  return said === undefined ? undefined : { problem: 'signer-untimely', key, said };
};

/** Which of the names the key may sign under; undefined if none. */
const builderAmong = async (asker: Asker, signed: Signed, names: readonly string[]): Promise<string | undefined> => {
  for (const name of names) if ((await verify(asker, signed, name, [])).code === 0) return name;
  return undefined;
};

const isRevoked = async (asker: Asker, signed: Signed, by: string): Promise<boolean> => {
  const { revoked } = asker.settings.prebuilt;
  return exists(revoked) && (await verify(asker, signed, by, ['-r', revoked])).code !== 0;
};

/** Who signed: the name that allowed_signers has, and the fingerprint of the key, `SHA256:…`. */
export interface Signer {
  readonly by: string;
  readonly signer: string;
}

/** The listed Builder that has signed a Statement, by the name that it is listed under; or why nobody has. */
export const builderOf = async (asker: Asker, signed: Signed): Promise<Signer | { readonly problem: Problem }> => {
  const { signers } = asker.settings.prebuilt;
  const signing = await signingKey(asker, signed);
  if ('problem' in signing) return signing;
  const { key } = signing;
  const listed = await principalsOf(asker, signed, signers);
  const unknown: Problem = untimely(key, listed) ?? { problem: 'signer-unknown', key, signers };
  if (listed.code !== 0) return { problem: unknown };
  // A pattern of names that are not meant begins with an exclamation mark.
  const names = listed.output.split('\n').filter((name) => name !== '' && !name.startsWith('!'));
  const by = await builderAmong(asker, signed, names);
  if (by === undefined) return { problem: unknown };
  if (await isRevoked(asker, signed, by)) return { problem: { problem: 'signer-revoked', key } };
  return { by, signer: key };
};

/** What a Builder signs with. */
export interface PushKey {
  /** A private key, or a public one whose private half an agent has. */
  readonly file: string;
  readonly fingerprint: string;
}

const agentOf = ({ settings }: Asker): { readonly SSH_AUTH_SOCK?: string } => {
  const { SSH_AUTH_SOCK } = settings.environment;
  return SSH_AUTH_SOCK ? { SSH_AUTH_SOCK } : {};
};

const noKey = (failure: Omit<Failure, 'kind'>): FailureError => new FailureError({ kind: 'no-push-key', ...failure });

/** The one key of an agent: with several nobody knows which is meant. */
const keyOfAgent = async (asker: Asker, scratch: string): Promise<string> => {
  const variables = agentOf(asker);
  if (!variables.SSH_AUTH_SOCK) throw noKey({ detail: 'push_key is not set, and there is no ssh-agent' });
  const ended = await asker.processes.ask(['ssh-add', '-L'], { limit: 30, variables });
  const keys = ended.output.split('\n').filter((line) => /^(ssh|ecdsa|sk)-/.test(line));
  const [first] = keys;
  if (first === undefined) throw noKey({ detail: `ssh-agent: ${ended.problem || 'it has no keys'}` });
  if (keys.length > 1) throw noKey({ detail: `ssh-agent has ${keys.length} keys: let push_key name the public one` });
  const file = join(scratch, 'push.pub');
  writeText(file, `${first}\n`);
  return file;
};

/** The line that says why: one about the rights of a key stands in a frame. */
const why = ({ errors, problem }: Ended): string =>
  errors
    .split('\n')
    .find((line) => line.trim() !== '' && !line.startsWith('@'))
    ?.trim() ?? problem;

/**
 * The key of `push_key`, or else of ssh-agent. Throws no-push-key (FailureError).
 *
 * @param scratch a private directory
 */
export const pushKeyOf = async (asker: Asker, scratch: string): Promise<PushKey> => {
  const { pushKey } = asker.settings.prebuilt;
  const file = pushKey ?? (await keyOfAgent(asker, scratch));
  const ended = await asker.processes.ask(['ssh-keygen', '-l', '-f', file], { limit: 30 });
  const found = fingerprint.exec(ended.output)?.[0];
  if (found === undefined) throw noKey({ at: file, detail: why(ended) });
  return { file, fingerprint: found };
};

/** Sign a Statement in a file; the signature. Throws no-push-key (FailureError). */
export const signatureOf = async (asker: Asker, { file }: PushKey, statement: string): Promise<string> => {
  const argv: Argv = ['ssh-keygen', '-Y', 'sign', '-f', file, '-n', namespace, statement];
  const ended = await asker.processes.ask(argv, { limit: 120, variables: agentOf(asker) });
  const signature = readText(`${statement}.sig`);
  if (ended.code !== 0 || signature === undefined) throw noKey({ at: file, detail: why(ended) });
  return signature;
};

/** Whether a signature of a Statement is one by this key. */
export const isSignedBy = async (asker: Asker, signed: Signed, key: PushKey): Promise<boolean> => {
  const signing = await signingKey(asker, signed);
  return 'key' in signing && signing.key === key.fingerprint;
};
