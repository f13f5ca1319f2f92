import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unsignedSize } from '../../../../src/engine/kernel/signature.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const mark = '~Module signature appended~\n';

/** struct module_signature: algorithm, hash, type, sizes of signer and key, padding, size of the signature. */
const trailer = (size: number, signer = 0, key = 0): string => {
  const bytes = Buffer.from([0, 0, 2, signer, key, 0, 0, 0, 0, 0, 0, 0]);
  bytes.writeUInt32BE(size, 8);
  return bytes.toString('latin1');
};

describe('the size without a signature', () => {
  it.each<[string, string, number]>([
    ['is the whole of a file that has none', 'object', 6],
    ['is what precedes a PKCS#7 signature', `object${'s'.repeat(40)}${trailer(40)}${mark}`, 6],
    [
      'is what precedes signer, key and signature of older kernels',
      `object${'s'.repeat(45)}${trailer(40, 3, 2)}${mark}`,
      6,
    ],
    ['is the whole where the signature would be larger than the file', `object${trailer(40)}${mark}`, 46],
    ['is the whole where there is only the mark', mark, 28],
    ['is the whole where more follows', `object${'s'.repeat(40)}${trailer(40)}${mark}x`, 87],
  ])('%s', (name, text, size) => {
    expect(unsignedSize(put(join(root, name), Buffer.from(text, 'latin1')))).toBe(size);
  });
});
