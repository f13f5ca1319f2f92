import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfResult, confOf, confScope, type ModuleConf } from '../../../../src/engine/conf/conf.ts';
import { directiveNames } from '../../../../src/engine/conf/directives.ts';
import { type ConfReading, readConfs } from '../../../../src/engine/conf/reader.ts';
import type { Failure } from '../../../../src/engine/errors.ts';
import type { KernelFacts } from '../../../../src/engine/kernel/kernel.ts';
import { scriptEnvironment } from '../../../../src/engine/system/environment.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { failureDetail } from '../../../../src/report/failures.ts';
import { put } from '../../temporary.ts';

/** Confs as text, read by a real bash. */

const trees = { dkmsTree: '/var/lib/dkms', sourceTree: '/usr/src', installTree: '/lib/modules' };

export const factsOf = (release = '6.1.0-56-amd64', more: Partial<KernelFacts> = {}): KernelFacts => ({
  kernel: { release, arch: 'x86_64' },
  directory: `/lib/modules/${release}`,
  bootable: true,
  headers: `/lib/modules/${release}/build`,
  config: new Map([
    ['CONFIG_MODULES', 'y'],
    ['CONFIG_PCI', 'm'],
  ]),
  compression: 'none',
  ...more,
});

export interface Asked {
  readonly facts?: KernelFacts;
  readonly directives?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const module = { name: 'demo', version: '1.0' };

/** Every conf begins like this, unless it is about just that. */
export const head = 'PACKAGE_NAME="demo"\nPACKAGE_VERSION="1.0"\n';

/** Read several confs in one go; each is a dkms.conf and the overrides after it. */
export const readAll = (
  root: string,
  confs: readonly (readonly (string | Buffer)[])[],
  asked: Asked = {},
): Promise<ConfReading[]> => {
  const directory = mkdtempSync(join(root, 'confs-'));
  const { kernel, headers } = asked.facts ?? factsOf();
  const questions = confs.map((texts, index) => ({
    files: texts.map((text, place) => put(join(directory, String(index), place ? `${place}.conf` : 'dkms.conf'), text)),
    release: kernel.release,
    scope: confScope(kernel, headers ?? '', trees, module, { framework_says: 'so' }),
    directives: asked.directives ?? [],
  }));
  const own = { PATH: process.env.PATH, ...asked.environment };
  const environment = scriptEnvironment(own, directiveNames);
  const places = { scratch: join(directory, 'tmp'), programs: join(directory, 'programs') };
  return readConfs({ processes: makeProcesses(own), environment, ...places }, questions);
};

export const resultOf = async (
  root: string,
  texts: readonly string[],
  asked: Asked = {},
  expected = module,
): Promise<ConfResult | Failure> => {
  const [reading] = await readAll(root, [texts], asked);
  if (!reading || reading.kind === 'failed') return reading?.failure ?? { kind: 'unexpected' };
  return confOf(reading.raw, expected, asked.facts ?? factsOf());
};

/** The conf made of the usual head and these lines. */
export const confFrom = async (root: string, lines: string, asked: Asked = {}): Promise<ModuleConf> => {
  const result = await resultOf(root, [head + lines], asked);
  if (!('conf' in result)) throw new Error(JSON.stringify(result));
  return result.conf;
};

/** What a refusal is, and the sentence that a user reads of it. */
export const told = (result: ConfResult | Failure): Pick<Failure, 'kind' | 'detail'> => {
  if ('conf' in result) throw new Error(`it was taken: ${JSON.stringify(result.conf)}`);
  const failure = 'invalid' in result ? result.invalid : result;
  const detail = failureDetail(failure);
  return { kind: failure.kind, ...(detail === undefined ? {} : { detail }) };
};

/** Why the conf made of the usual head and these lines is refused. */
export const refusalOf = async (root: string, lines: string): Promise<Pick<Failure, 'kind' | 'detail'>> =>
  told(await resultOf(root, [head + lines]));
