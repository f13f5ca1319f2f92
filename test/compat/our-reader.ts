import { join } from 'node:path';
import { confOf, confScope, type ModuleConf } from '../../src/engine/conf/conf.ts';
import { directiveNames } from '../../src/engine/conf/directives.ts';
import { readSettings } from '../../src/engine/conf/framework-conf.ts';
import { type ConfReading, readConfs } from '../../src/engine/conf/reader.ts';
import { kernelFacts } from '../../src/engine/kernel/kernel.ts';
import type { Settings } from '../../src/engine/settings.ts';
import { scriptEnvironment } from '../../src/engine/system/environment.ts';
import { makeProcesses } from '../../src/engine/system/exec.ts';
import type { Question, ReadConf } from './dkms-reader.ts';

/** What our reader makes of a dkms.conf, in the terms in which dkms's reading is told. */

const wordsOf = (conf: ModuleConf, { name, version, kernel }: Question, settings: Settings): ReadConf => ({
  refused: false,
  objects: conf.objects.map((one) => [one.built, one.location, one.dest, one.destLocation, one.strip ? 'yes' : 'no']),
  make: conf.make ?? `make -C ${kernel.headers} M=${settings.dkmsTree}/${name}/${version}/build`,
  patches: conf.patches,
  scripts: Object.entries(conf.scripts).map(([script, line]) => `${script}=${line}`),
  excluded: conf.exclusion !== undefined,
  autoinstall: conf.autoinstall,
  depends: conf.depends,
});

const refusal: ReadConf = {
  refused: true,
  objects: [],
  make: '',
  patches: [],
  scripts: [],
  excluded: false,
  autoinstall: false,
  depends: [],
};

const answerOf = (reading: ConfReading | undefined, question: Question, settings: Settings): ReadConf => {
  if (reading?.kind !== 'read') return refusal;
  const { name, version, kernel } = question;
  const { release, headers } = kernel;
  const facts = kernelFacts(settings, { release, arch: 'x86_64' }, headers, join(headers, '.config'));
  const result = confOf(reading.raw, { name, version }, facts);
  return 'conf' in result ? wordsOf(result.conf, question, settings) : refusal;
};

/** What we read, in the order of the questions. */
export const readByUs = async (questions: readonly Question[], scratch: string): Promise<ReadConf[]> => {
  const settings = await readSettings({
    confDir: join(scratch, 'etc'),
    osRelease: '/dev/null',
    installTree: '/lib/modules',
  });
  const reader = {
    processes: makeProcesses(process.env),
    environment: scriptEnvironment(process.env, directiveNames),
    scratch,
    programs: join(scratch, 'programs'),
  };
  const readings = await readConfs(
    reader,
    questions.map(({ name, version, kernel, path }) => ({
      files: [path],
      release: kernel.release,
      scope: confScope({ release: kernel.release, arch: 'x86_64' }, kernel.headers, settings, { name, version }, {}),
      directives: [],
    })),
  );
  return questions.map((question, index) => answerOf(readings[index], question, settings));
};
