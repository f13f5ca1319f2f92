import { join } from 'node:path';
import { buildEnvironmentFile } from '../build/environment.ts';
import { type Asked, directivesFor } from '../conf/module-confs.ts';
import type { Tools } from '../kernel/compiler.ts';
import { type Contents, confText, smallContents } from '../key/contents.ts';
import { kernelKey, moduleLabel } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { KeyParts } from '../state/record.ts';
import { hashText, stat } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { entryDirectory } from '../tree/tree.ts';
import { type PathFacts, pathFacts, treeFacts } from '../tree/tree-facts.ts';

/** What goes into the build of one Module on one Kernel. */

/** Variables of the caller that kbuild adds to what the compiler gets. Source: kernel documentation, kbuild/kbuild.rst. */
const kbuildVariables = ['KCPPFLAGS', 'KAFLAGS', 'AFLAGS_MODULE', 'KCFLAGS', 'CFLAGS_MODULE', 'LDFLAGS_MODULE'];

const givenTo = ({ run, entry }: Asked): string[] => [
  ...directivesFor(run, entry.module.name),
  ...kbuildVariables.flatMap((name) => {
    const value = run.environment[name];
    return value ? [`${name}=${value}`] : [];
  }),
];

/** Local patches and scripts: /etc/dkms/<name>. */
export const localDirectory = ({ settings }: Run, name: string): string => join(settings.confDir, name);

/** A conf that is not there says as much as an empty one. */
const factsOfConf = (file: string): [string, PathFacts][] =>
  lookOr(
    () => {
      const facts = stat(file);
      return facts?.kind === 'file' && facts.size > 0 ? [[file, pathFacts(file, { ...facts, mode: 0 })]] : [];
    },
    () => [],
  );

/** Overrides of dkms.conf, local patches and scripts. The source's own dkms.conf is one of the source's files. */
export const confContents = ({ run, entry, files }: Asked): Contents => {
  const at = localDirectory(run, entry.module.name);
  const others = files.filter((file) => file !== join(entry.source, 'dkms.conf'));
  return smallContents(run.memory, [
    { label: '', at: '/', facts: new Map(others.flatMap(factsOfConf)) },
    { label: `${at}/`, at, facts: treeFacts(at) ?? new Map() },
  ]);
};

const environmentHash = (run: Run, release: string): string => {
  const file = buildEnvironmentFile(run.settings, release);
  const text = file === undefined ? '' : confText(file);
  return text === '' ? 'none' : hashText(text);
};

/**
 * The parts of a Key, without the dependencies.
 *
 * @param sources of what stands in the source
 * @param tools what builds for the Kernel
 */
export const partsOf = (asked: Asked, sources: string, tools: Tools): KeyParts => {
  const { run, entry, kernel } = asked;
  return {
    format: 1,
    module: moduleLabel(entry.module),
    kernel: kernelKey(kernel),
    directory: join(entryDirectory(run.settings.dkmsTree, entry.module), 'build'),
    sources,
    conf: confContents(asked).hashWithout([]),
    ...run.headersOf(kernel),
    environment: environmentHash(run, kernel.release),
    compiler: tools.compiler.text,
    linker: tools.linker.text,
    pahole: tools.pahole.text,
    given: givenTo(asked),
    dependencies: {},
  };
};
