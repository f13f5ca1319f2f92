import { basename, dirname, join } from 'node:path';
import { FailureError } from '../errors.ts';
import { blobFile } from '../store/artifacts.ts';
import { imageConfig, mediaTypes } from '../store/layout.ts';
import { addLayer, addText } from '../store/put.ts';
import { layerProblem } from '../store/take.ts';
import { copyFile, makeDirectory } from '../system/publish.ts';
import { type Input, type InputClaim, inputHash, inputPlace, inputText } from './input.ts';
import type { Registry } from './reference.ts';
import type { Connection } from './remote.ts';
import { type Order, type Result, resultPlace, resultText } from './result.ts';
import { emptyLayout, post } from './send.ts';
import type { PushKey } from './signers.ts';

/** What a build is made from goes to other machines, and how it ended comes back. */

/** Images have a time; of contents that go by their hash it says nothing. */
const noTime = new Date(0).toISOString();

/** A directory on its way. */
export interface Parcel extends Pick<InputClaim, 'kind' | 'name' | 'kernelPackage'> {
  /** Absolute path of what becomes the top of the archive. */
  readonly directory: string;
  /** As uname -m says it. */
  readonly arch: string;
}

/**
 * Push a source or headers. Throws registry-failed, no-push-key, and input-unfit of what no other machine would unpack
 * (FailureError).
 *
 * @param connection its private directory takes what is sent, and is the caller's to remove
 */
export const sendInput = async (
  connection: Connection,
  registry: Registry,
  { directory, arch, kind, name, kernelPackage }: Parcel,
  key: PushKey,
): Promise<Input & { readonly state: 'pushed' | 'there' }> => {
  const { processes, scratch } = connection;
  const layout = emptyLayout(connection);
  const layer = await addLayer(processes, layout, dirname(directory), basename(directory));
  const problem = await layerProblem(processes, blobFile(layout, layer.blob));
  if (problem) throw new FailureError({ kind: 'input-unfit', at: name, problem });
  const input = { kind, name, hash: inputHash(layer) };
  const config = addText(layout, mediaTypes.config, imageConfig(noTime, { arch }, [layer.diff]));
  const claim: InputClaim = { ...input, layers: [layer], ...(kernelPackage ? { kernelPackage } : {}) };
  const letter = { layout, config, layers: claim.layers, text: inputText(claim, key.fingerprint) };
  const file = join(scratch, 'statement');
  return { ...input, state: await post(connection, registry, inputPlace(input), { ...letter, file }, key) };
};

/**
 * Push how an order ended. Throws as sendInput.
 *
 * @param log absolute path, if there is one
 */
export const sendResult = async (
  connection: Connection,
  registry: Registry,
  order: Order,
  result: Result,
  log: string | undefined,
  key: PushKey,
): Promise<void> => {
  const { processes, scratch } = connection;
  const layout = emptyLayout(connection);
  const place = join(scratch, 'result');
  makeDirectory(place);
  if (log !== undefined) copyFile(log, join(place, 'make.log'));
  const layer = await addLayer(processes, layout, scratch, 'result');
  const config = addText(layout, mediaTypes.config, imageConfig(noTime, { arch: '' }, [layer.diff]));
  const text = resultText({ ...result, order: resultPlace(order).tag, layers: [layer] }, key.fingerprint);
  const letter = { layout, config, layers: [layer], text, file: join(scratch, 'statement') };
  await post(connection, registry, resultPlace(order), letter, key);
};
