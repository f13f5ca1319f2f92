import { packageVersion } from '../kernel/kernel-package.ts';
import type { KernelPackage } from '../request.ts';
import type { KeyParts } from '../state/record.ts';
import { hashBytes } from '../system/files.ts';
import { canonical } from './key.ts';

/**
 * The kernel tag of a build: SHA-256 in hex over what a machine knows of it that has the kernel, and neither its headers
 * nor a compiler. The version of the kernel's package stands for the headers, and nothing for what compiles and links.
 */
export const kernelTagOf = (parts: KeyParts, ofKernel: KernelPackage): string => {
  const { headers: _headers, kbuild: _kbuild, compiler: _compiler, linker: _linker, pahole: _pahole, ...known } = parts;
  return hashBytes(canonical({ ...known, kernelPackage: packageVersion(ofKernel) }));
};
