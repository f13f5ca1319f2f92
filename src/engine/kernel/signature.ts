import { readBytes } from '../system/files.ts';

/**
 * The signature at the end of a module, as scripts/sign-file.c of the kernel appends it: the data, struct
 * module_signature (include/linux/module_signature.h) with the sizes of what precedes it, and a line that marks it.
 */

const mark = Buffer.from('~Module signature appended~\n');
const structSize = 12;

/** Size in bytes of a module's file without the signature at its end; its whole size where it has none. */
export const unsignedSize = (path: string): number => {
  const bytes = readBytes(path);
  const end = bytes.length - mark.length - structSize;
  if (end < 0 || !bytes.subarray(-mark.length).equals(mark)) return bytes.length;
  const [signer, key] = [bytes.readUInt8(end + 3), bytes.readUInt8(end + 4)];
  const size = end - bytes.readUInt32BE(end + 8) - signer - key;
  return size < 0 ? bytes.length : size;
};

/** The signature at the end of a module's file with all that marks it; empty where it has none. */
export const appendedSignature = (path: string): Buffer => readBytes(path).subarray(unsignedSize(path));
