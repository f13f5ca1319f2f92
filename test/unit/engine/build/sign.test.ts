import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signProgram } from '../../../../src/engine/build/sign.ts';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
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
