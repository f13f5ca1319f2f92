import type { KeyParts } from '../../../../src/engine/state/record.ts';

/** What goes into some build. */
export const keyParts: KeyParts = {
  format: 1,
  module: 'demo/1.0',
  kernel: '6.1.0-56-amd64/x86_64',
  directory: '/var/lib/dkms/demo/1.0/build',
  sources: 's',
  conf: 'none',
  headers: 'h',
  kbuild: 'k',
  environment: 'none',
  compiler: 'gcc',
  linker: 'ld',
  pahole: '',
  given: [],
  dependencies: {},
};
