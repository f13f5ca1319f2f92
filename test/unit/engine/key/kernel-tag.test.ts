import { describe, expect, it } from 'vitest';
import { kernelTagOf } from '../../../../src/engine/key/kernel-tag.ts';
import type { KernelPackage } from '../../../../src/engine/request.ts';
import type { KeyParts } from '../../../../src/engine/state/record.ts';
import { keyParts } from './key-parts.ts';

const ofHeaders: KernelPackage = { manager: 'dpkg', name: 'linux-headers-6.1.0-56-amd64', version: '6.1.192-2' };
const tag = kernelTagOf(keyParts, ofHeaders);

const withParts = (more: Partial<KeyParts>): string => kernelTagOf({ ...keyParts, ...more }, ofHeaders);
const withPackage = (more: Partial<KernelPackage>): string => kernelTagOf(keyParts, { ...ofHeaders, ...more });

describe('a kernel tag', () => {
  it('is a hash', () => {
    expect(tag).toMatch(/^[0-9a-f]{64}$/);
  });
  it.each<[string, string]>([
    ['headers', withParts({ headers: '' })],
    ['what kbuild runs', withParts({ kbuild: '' })],
    ['compiler', withParts({ compiler: '' })],
    ['linker', withParts({ linker: '' })],
    ['pahole', withParts({ pahole: 'v1.25' })],
    ['name of the package', withPackage({ name: 'linux-image-6.1.0-56-amd64' })],
  ])('is the same on a machine that does not know the %s', (_what, other) => {
    expect(other).toBe(tag);
  });
  it.each<[string, string]>([
    ['module', withParts({ module: 'demo/1.1' })],
    ['kernel', withParts({ kernel: '6.1.0-57-amd64/x86_64' })],
    ['architecture', withParts({ kernel: '6.1.0-56-amd64/i686' })],
    ['directory', withParts({ directory: '/srv/dkms/demo/1.0/build' })],
    ['source', withParts({ sources: 't' })],
    ['conf', withParts({ conf: 'c' })],
    ['environment', withParts({ environment: 'e' })],
    ['directives', withParts({ given: ['KCFLAGS=-O3'] })],
    ['exports of a dependency', withParts({ dependencies: { spl: 'x' } })],
    ['version of the package', withPackage({ version: '6.1.193-1' })],
    ['package manager', withPackage({ manager: 'rpm' })],
  ])('is another one where the %s is', (_what, other) => {
    expect(other).not.toBe(tag);
  });
});
