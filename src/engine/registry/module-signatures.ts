import { join } from 'node:path';
import { objectNameOf } from '../kernel/compression.ts';
import { withPlainObject } from '../kernel/modinfo.ts';
import { appendedSignature, unsignedSize } from '../kernel/signature.ts';
import type { Artifact } from '../store/artifacts.ts';
import { hashBytes, readBytes } from '../system/files.ts';
import { builtDirectory, builtFiles } from '../tree/tree.ts';
import type { Connection } from './remote.ts';

/** The Store has objects as they were before they were signed; their signatures are on what is built of them. */

/** The signature of a file, in base64, if the rest of it has a hash. */
const signatureIn = (file: string, hash: string): string | undefined => {
  const rest = readBytes(file).subarray(0, unsignedSize(file));
  const signature = appendedSignature(file);
  return signature.length > 0 && hashBytes(rest) === hash ? signature.toString('base64') : undefined;
};

/** The signatures of all objects of an Artifact; undefined where not each of them is built here and signed. */
export const moduleSignatures = async (
  connection: Connection,
  { statement: { parts, objects } }: Artifact,
): Promise<Readonly<Record<string, string>> | undefined> => {
  const [name = '', version = ''] = parts.module.split('/');
  const [release = '', arch = ''] = parts.kernel.split('/');
  const directory = builtDirectory(connection.settings.dkmsTree, { name, version }, { release, arch });
  const files = new Map(builtFiles(directory).map((file) => [`${objectNameOf(file)}.ko`, file]));
  const signatures: Record<string, string> = {};
  for (const [object, hash] of Object.entries(objects)) {
    const file = files.get(object);
    if (file === undefined) return undefined;
    const signature = await withPlainObject(connection, join(directory, 'module', file), async (plain) =>
      signatureIn(plain, hash),
    );
    if (signature === undefined) return undefined;
    signatures[object] = signature;
  }
  return signatures;
};
