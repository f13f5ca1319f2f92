import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import { signingKeyOf } from '../../../../src/engine/kernel/signing-key.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

const keyOf = async (framework: string, distribution = 'debian') => {
  const confDir = mkdtempSync(join(root, 'conf-'));
  put(join(confDir, 'framework.conf'), framework);
  const osRelease = put(join(confDir, 'os-release'), `ID=${distribution}\n`);
  return signingKeyOf(await readSettings({ confDir, osRelease, dkmsTree: '/dkms' }, {}, 1), '6.1.0');
};

describe('signingKeyOf', () => {
  it.each([
    ['nothing is said', '', '/dkms/mok.key', '/dkms/mok.pub'],
    ['a key is named', 'mok_signing_key=/k/own.key', '/k/own.key', '/dkms/mok.pub'],
    ['a certificate is named', 'mok_certificate=/k/own.der', '/dkms/mok.key', '/k/own.der'],
    [
      'each kernel has its own',
      `mok_signing_key="/k/$kernelver.key"\nmok_certificate="/k/\${kernelver}/\${kernelver}.der"`,
      '/k/6.1.0.key',
      '/k/6.1.0/6.1.0.der',
    ],
    [
      'a token has the key',
      "mok_signing_key='pkcs11:object=mok;type=private'",
      'pkcs11:object=mok;type=private',
      '/dkms/mok.pub',
    ],
    ['the names are empty', 'mok_signing_key=""\nmok_certificate=', '/dkms/mok.key', '/dkms/mok.pub'],
  ])('is told where %s', async (_what, framework, key, certificate) => {
    expect(await keyOf(framework)).toEqual({ key, certificate });
  });
  it("is Ubuntu's own only with Ubuntu's program, and where no other is named", async () => {
    const usual = existsSync('/usr/sbin/update-secureboot-policy')
      ? '/var/lib/shim-signed/mok/MOK.priv'
      : '/dkms/mok.key';
    expect((await keyOf('', 'ubuntu')).key).toBe(usual);
    expect((await keyOf('mok_signing_key=/k', 'ubuntu')).key).toBe('/k');
  });
});
