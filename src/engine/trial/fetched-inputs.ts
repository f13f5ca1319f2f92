import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { identifyOne } from '../register/operand.ts';
import { fetchInput } from '../registry/fetch-input.ts';
import type { Registry } from '../registry/reference.ts';
import { type ComingPackages, moduleLabel, type NamedSource, type ProduceRequest } from '../request.ts';
import type { Run } from '../run/run.ts';
import { isDirectory, readDirectory, walk } from '../system/files.ts';
import { makeDirectory, rename } from '../system/publish.ts';
import { headersAt, linkHeadersTree } from './headers-tree.ts';

/** Sources and headers out of a registry, put where a view of the machine finds them. */

/** What there is now. */
export interface FetchedInputs {
  /** Names below the root's usr/src. */
  readonly sources: readonly string[];
  readonly coming: ComingPackages;
}

/** What makes a registry's answer one of ours is known before its dkms.conf is read. */
const fetchSource = async (
  run: Run,
  registry: Registry,
  { name, hash }: NamedSource,
  root: string,
): Promise<string> => {
  const source = name.replace('/', '-');
  const directory = join(root, 'usr/src', source);
  await fetchInput(run, registry, { kind: 'source', name, hash }, directory);
  const { module } = await identifyOne(run, directory);
  if (moduleLabel(module) === name) return source;
  throw new FailureError({ kind: 'name-mismatch', at: join(directory, 'dkms.conf') });
};

const fetchHeaders = async (
  run: Run,
  registry: Registry,
  release: string,
  hash: string,
  root: string,
): Promise<ComingPackages> => {
  const input = { kind: 'headers', name: release, hash } as const;
  const directory = join(run.scratch, 'headers');
  const { kernelPackage } = await fetchInput(run, registry, input, directory);
  // They lie over /usr of the view: nothing but what headers are.
  const other = walk(directory).find((path) => !/^usr\/src\/[^/]+\//.test(path));
  if (other !== undefined)
    throw new FailureError({
      kind: 'input-refused',
      at: release,
      problem: { problem: 'member-outside', member: other },
    });
  const from = join(directory, 'usr/src');
  for (const name of readDirectory(from)) rename(join(from, name), join(root, 'usr/src', name));
  linkHeadersTree(root, release);
  if (!isDirectory(join(root, headersAt(release))))
    throw new FailureError({ kind: 'headers-missing', detail: release });
  return kernelPackage ? { [release]: { headers: kernelPackage } } : {};
};

/**
 * Bring what a build is made from.
 *
 * @param root stands for `/` in the view
 * Throws registry-failed, input-missing, input-refused, name-mismatch and what is wrong with a conf (FailureError).
 */
export const fetchInputs = async (
  run: Run,
  registry: Registry,
  { sources, headers, release }: ProduceRequest,
  root: string,
): Promise<FetchedInputs> => {
  makeDirectory(join(root, 'usr/src'));
  const coming = headers === undefined ? {} : await fetchHeaders(run, registry, release, headers, root);
  const names: string[] = [];
  for (const source of sources) names.push(await fetchSource(run, registry, source, root));
  return { sources: names, coming };
};
