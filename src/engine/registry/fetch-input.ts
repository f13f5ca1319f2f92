import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { unpackLayer } from '../store/take.ts';
import { lstat } from '../system/files.ts';
import { type Believed, bring, type Read } from './believed.ts';
import { remoteOf } from './connect.ts';
import { type Input, type InputClaim, inputPlace, readInput } from './input.ts';
import { artifactName, type Registry } from './reference.ts';
import { apart, type Connection, type Place } from './remote.ts';
import { type Order, type Result, type ResultClaim, readResult, resultPlace } from './result.ts';
import { signersProblem } from './signers.ts';

/** What builds are made from, and how they ended, from where nobody is believed but listed Builders. */

/** What a listed Builder has signed; undefined where there is no such thing. Throws FailureError. */
const believed = async <T extends InputClaim | ResultClaim>(
  connection: Connection,
  registry: Registry,
  place: Place,
  read: Read<T>,
): Promise<Believed<T> | undefined> => {
  const from = connection.settings.prebuilt.from ?? '';
  const trouble = signersProblem(connection.settings);
  if (trouble) throw new FailureError({ kind: 'registry-failed', at: from, problem: trouble });
  const bringing = await bring(connection, remoteOf(connection, registry), place, read);
  if ('missing' in bringing) return undefined;
  if ('trouble' in bringing) throw new FailureError({ kind: 'registry-failed', at: from, problem: bringing.trouble });
  if ('believed' in bringing) return bringing.believed;
  const at = artifactName(registry, place.repository, place.tag);
  throw new FailureError({ kind: 'input-refused', at, problem: bringing.refused });
};

/**
 * Fetch a source or headers and unpack them. Throws registry-failed, input-missing, input-refused (FailureError); then
 * nothing of it has been used.
 *
 * @param directory where they go
 */
export const fetchInput = (
  connection: Connection,
  registry: Registry,
  input: Input,
  directory: string,
): Promise<InputClaim> =>
  apart(connection, async (own) => {
    const place = inputPlace(input);
    const found = await believed(own, registry, place, readInput(input));
    const at = artifactName(registry, place.repository, place.tag);
    if (!found) throw new FailureError({ kind: 'input-missing', at });
    for (const { file } of found.layers) {
      const problem = await unpackLayer(own.processes, file, directory);
      if (problem) throw new FailureError({ kind: 'input-refused', at, problem });
    }
    return found.claim;
  });

/**
 * Fetch how an order ended; undefined where nobody has said so. Throws as fetchInput.
 *
 * @param logs a private directory for the log
 * @param isAnybodys the same order of somebody else counts, too
 */
export const fetchResult = (
  connection: Connection,
  registry: Registry,
  order: Order,
  logs: string,
  isAnybodys: boolean,
): Promise<(Result & { readonly log?: string }) | undefined> =>
  apart(connection, async (own) => {
    const found = await believed(own, registry, resultPlace(order), readResult(order, isAnybodys));
    if (!found) return undefined;
    for (const { file } of found.layers) {
      const problem = await unpackLayer(own.processes, file, logs);
      if (problem) throw new FailureError({ kind: 'input-refused', at: order.module, problem });
    }
    const log = join(logs, 'make.log');
    const { layers: _, ...result } = found.claim;
    return { ...result, ...(lstat(log)?.kind === 'file' ? { log } : {}) };
  });
