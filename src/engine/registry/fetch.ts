import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Problem } from '../problems.ts';
import type { Statement } from '../store/layout.ts';
import { unpackLayer, wrongObject } from '../store/take.ts';
import { lstat } from '../system/files.ts';
import { about, type Believed, type Bringing, bring, type Signed, type Wanted } from './believed.ts';
import { remoteOf } from './connect.ts';
import { type FailureClaim, readFailure } from './failure.ts';
import { artifactName, failureKey, kernelTagName, type Registry, registryOf, repositoryOf } from './reference.ts';
import type { Connection, Remote } from './remote.ts';
import { signersProblem } from './signers.ts';
import { type Claim, readStatement } from './statement.ts';

/**
 * Take a prebuilt Artifact from where nobody is believed: a listed Builder has signed what it says of itself, it is the
 * build that this machine would make, and every byte of it is what was signed. Where there is none a Builder may have
 * found that there cannot be one.
 */

/** An Artifact that is what a Builder has signed, unpacked. */
export interface Fetched {
  readonly statement: Statement;
  readonly layers: Believed<Claim>['layers'];
  /** As takeArtifact leaves it: what was built in `0`, the log in `1`. */
  readonly directory: string;
}

/** What came of it. */
export type Fetching =
  | { readonly fetched: Fetched; readonly artifact: string }
  /** A Builder has tried, with the same Key. */
  | { readonly failed: Failure; readonly artifact: string }
  | { readonly missing: true; readonly artifact: string }
  /** It is there, and not to be used. */
  | { readonly refused: Problem; readonly artifact: string }
  /** Nobody knows whether it is there, and of any other neither. */
  | { readonly trouble: Problem; readonly registry: string };

const signedBuild = (text: string): (Claim & Signed) | { readonly problem: Problem } => {
  const claim = readStatement(text);
  if ('problem' in claim) return claim;
  const { key, parts, kernelPackage } = claim.statement;
  return { ...claim, key, parts, ...(kernelPackage ? { kernelPackage } : {}) };
};

const signedFailure = (text: string): (FailureClaim & Signed) | { readonly problem: Problem } => {
  const claim = readFailure(text);
  return 'problem' in claim ? claim : { ...claim, layers: [claim.log] };
};

/** What comes is unpacked to the objects that were signed. */
const unpacked = async (
  { processes, scratch }: Connection,
  { claim, layers, by, signer }: Believed<Claim>,
): Promise<{ readonly fetched: Fetched } | { readonly refused: Problem }> => {
  for (const [index, { file }] of layers.entries()) {
    const problem = await unpackLayer(processes, file, join(scratch, String(index)));
    if (problem) return { refused: problem };
  }
  const wrong = wrongObject(claim.statement, join(scratch, '0'));
  if (wrong !== undefined) return { refused: { problem: 'not-as-signed', what: wrong } };
  return { fetched: { statement: { ...claim.statement, by, signer }, layers, directory: scratch } };
};

const failedWith = async (
  { processes, scratch }: Connection,
  { claim, layers, by }: Believed<FailureClaim>,
): Promise<{ readonly failed: Failure } | { readonly refused: Problem }> => {
  const directory = join(scratch, 'failed');
  for (const { file } of layers) {
    const problem = await unpackLayer(processes, file, directory);
    if (problem) return { refused: problem };
  }
  const log = join(directory, 'make.log');
  return { failed: { ...claim.failure, by, ...(lstat(log)?.kind === 'file' ? { log } : {}) } };
};

/** What is asked for. */
interface Question {
  readonly registry: Registry;
  readonly module: string;
  readonly wanted: Wanted;
}

const withName = <T extends object>(
  { registry, module }: Question,
  tag: string,
  result: T,
): T & { readonly artifact: string } => ({ ...result, artifact: artifactName(registry, module, tag) });

const troubled = ({ settings }: Connection, trouble: Problem): Fetching => ({
  trouble,
  registry: settings.prebuilt.from ?? '',
});

const fetchBuild = async (connection: Connection, remote: Remote, question: Question): Promise<Fetching> => {
  const { module, wanted } = question;
  const tag = 'key' in wanted ? wanted.key : kernelTagName(wanted.tag);
  const place = { repository: repositoryOf(module), tag };
  const bringing: Bringing<Claim> = await bring(connection, remote, place, about(wanted, signedBuild));
  if ('trouble' in bringing) return troubled(connection, bringing.trouble);
  if (!('believed' in bringing)) return withName(question, tag, bringing);
  return withName(question, tag, await unpacked(connection, bringing.believed));
};

const fetchFailure = async (
  connection: Connection,
  remote: Remote,
  question: Question,
  key: string,
): Promise<Fetching> => {
  const tag = failureKey(key);
  const place = { repository: repositoryOf(question.module), tag };
  const bringing: Bringing<FailureClaim> = await bring(connection, remote, place, about({ key }, signedFailure));
  if ('trouble' in bringing) return troubled(connection, bringing.trouble);
  // What people look for is the build.
  if ('missing' in bringing) return withName(question, key, bringing);
  if ('refused' in bringing) return withName(question, tag, bringing);
  return withName(question, tag, await failedWith(connection, bringing.believed));
};

/**
 * Fetch the Artifact of a module.
 *
 * @param connection its private directory takes what comes, and is the caller's to remove
 * @param wanted what this machine has computed
 * @param minding whether it counts that a Builder has tried in vain
 */
export const fetchArtifact = async (
  connection: Connection,
  module: string,
  wanted: Wanted,
  minding: boolean,
): Promise<Fetching> => {
  const { from = '' } = connection.settings.prebuilt;
  const registry = registryOf(from);
  if (!registry) return troubled(connection, { problem: 'registry-name', name: from });
  const trouble = signersProblem(connection.settings);
  if (trouble) return troubled(connection, trouble);
  const remote = remoteOf(connection, registry);
  const question = { registry, module, wanted };
  const fetching = await fetchBuild(connection, remote, question);
  const isAsked = minding && 'missing' in fetching && 'key' in wanted;
  return isAsked ? fetchFailure(connection, remote, question, wanted.key) : fetching;
};
