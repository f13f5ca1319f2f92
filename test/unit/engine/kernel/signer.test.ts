import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import {
  isSignedByAnother,
  type Signer,
  signedByBuilder,
  signerOf,
  signProgram,
  unsigned,
} from '../../../../src/engine/kernel/signer.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { factsOf } from '../conf/conf-world.ts';

const root = temporaryDirectory();
const own = put(join(root, 'own/6.1.0-9-amd64/sign'), '', 0o755);
const headers = join(root, 'headers');
const fromHeaders = put(join(headers, 'scripts/sign-file'), '', 0o755);
const bin = join(root, 'bin');
const kmodsign = put(join(bin, 'kmodsign'), '', 0o755);

interface Case {
  readonly framework?: string;
  readonly distribution?: string;
  readonly headers?: string;
}

const programOf = async ({ framework = '', distribution = 'fedora', headers: given = headers }: Case) => {
  const confDir = mkdtempSync(join(root, 'conf-'));
  put(join(confDir, 'framework.conf'), framework);
  const osRelease = put(join(confDir, 'os-release'), `ID=${distribution}\n`);
  const settings = await readSettings({ confDir, osRelease }, { PATH: bin }, 1);
  return signProgram(settings, factsOf('6.1.0-9-amd64', { headers: given }));
};

describe('the program that signs', () => {
  it.each<[string, Case, string | undefined]>([
    ["is the headers' own", {}, fromHeaders],
    [
      "is the settings' own, with the kernel in its name",
      { framework: `sign_file="${root}/own/\${kernelver}/sign"` },
      own,
    ],
    [
      "is the settings' own, with the kernel in its name without braces",
      { framework: `sign_file="${root}/own/$kernelver/sign"` },
      own,
    ],
    ["is the settings' own before Ubuntu's", { framework: `sign_file=${own}`, distribution: 'ubuntu' }, own],
    ["is the headers' where the settings' is not there", { framework: 'sign_file=/nowhere/sign' }, fromHeaders],
    ["is Ubuntu's kmodsign on Ubuntu", { distribution: 'ubuntu' }, kmodsign],
    ['is none without headers', { headers: '' }, undefined],
    ['is none where the headers have none', { headers: root }, undefined],
  ])('%s', async (_rule, asked, expected) => {
    expect(await programOf(asked)).toBe(expected);
  });
});

describe('what was signed by another', () => {
  const now: Signer = { signed: 'signed b', tried: 'tried b', hasCertificate: true, keepsOthers: false };
  it.each<[string, string | undefined, Signer | undefined, boolean]>([
    ['is what another certificate vouches for', 'signed a', now, true],
    ['is what another attempt left unsigned', 'tried a', now, true],
    ['is what nothing was to sign', unsigned, now, true],
    ['is not what the same one signed', 'signed b', now, false],
    ['is not what the same attempt left unsigned', 'tried b', now, false],
    ['is not what a builder signed, where that is kept', signedByBuilder, { ...now, keepsOthers: true }, false],
    ['is what a builder signed, where that is no longer kept', signedByBuilder, now, true],
    [
      'is not what a builder signed before there is a key here',
      signedByBuilder,
      { ...now, hasCertificate: false },
      false,
    ],
    ['is not what nobody remembers', undefined, now, false],
    ['is nothing where nothing signs', 'signed a', undefined, false],
    ['is not what was signed by a certificate that is gone', 'signed a', { ...now, hasCertificate: false }, false],
    [
      'is what was not signed, also where the certificate is yet to be made',
      unsigned,
      { ...now, hasCertificate: false },
      true,
    ],
  ])('%s', (_, remembered, signer, expected) => {
    expect(isSignedByAnother(remembered, signer)).toBe(expected);
  });
});

describe('a signer', () => {
  const key = put(join(root, 'keys/key'), 'key');
  const certificate = put(join(root, 'keys/certificate'), 'one');
  const signerWith = async (framework: string, hash = 'sha256'): Promise<Signer | undefined> => {
    const confDir = mkdtempSync(join(root, 'conf-'));
    put(join(confDir, 'framework.conf'), `mok_signing_key=${key}\nmok_certificate=${certificate}\n${framework}`);
    const settings = await readSettings({ confDir, osRelease: put(join(confDir, 'os-release'), '') }, { PATH: bin }, 1);
    const config = new Map([['CONFIG_MODULE_SIG_HASH', hash]]);
    return signerOf(settings, { ...factsOf('6.1.0-9-amd64', { headers }), config });
  };
  const always = 'try_sign_modules=true\n';

  it('is the same for the same certificate', async () => {
    expect(await signerWith(always)).toEqual(await signerWith(always));
  });

  it('is another with another hash or another certificate, and as an attempt with another program or key', async () => {
    const before = await signerWith(always);
    expect((await signerWith(always, 'sha512'))?.signed).not.toBe(before?.signed);
    const other = await signerWith(`${always}sign_file=${own}\n`);
    expect(other?.signed).toBe(before?.signed);
    expect(other?.tried).not.toBe(before?.tried);
    put(key, 'another key');
    const rekeyed = await signerWith(always);
    expect(rekeyed?.signed).toBe(before?.signed);
    expect(rekeyed?.tried).not.toBe(before?.tried);
    put(certificate, 'two');
    expect((await signerWith(always))?.signed).not.toBe(before?.signed);
  });

  it('is nobody where modules are not signed', async () => {
    expect(await signerWith('try_sign_modules=false\n')).toBeUndefined();
    expect(await signerWith(always, '')).toBeUndefined();
  });
});
