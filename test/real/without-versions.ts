import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestKernel } from '../kernels.ts';

/** Headers of the same kernel, had it been configured without MODVERSIONS. */
export const withoutVersions = (kernel: TestKernel, directory: string): TestKernel => {
  const headers = join(directory, 'headers');
  cpSync(kernel.headers, headers, { recursive: true });
  const edit = (path: string, pattern: RegExp, by: string): void => {
    const file = join(headers, path);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(pattern, by));
  };
  edit('include/config/auto.conf', /^CONFIG_(ASM_)?MODVERSIONS=y\n/gm, '');
  edit('include/generated/autoconf.h', /^#define CONFIG_(ASM_)?MODVERSIONS 1\n/gm, '');
  edit('Module.symvers', /^0x[0-9a-f]+/gm, '0x00000000');
  return { ...kernel, headers };
};
