import { join } from 'node:path';
import { importsOf } from '../kernel/symvers.ts';
import { dependenciesNow, usedSymbols } from '../key/dependencies.ts';
import { takenOver } from '../key/parts.ts';
import { type Finding, needsOn, type Survey } from '../plan/survey.ts';
import type { Run } from '../run/run.ts';
import { type InstalledFile, type UsedSymbols, writeRecord } from '../state/record.ts';
import { exists, hashFile } from '../system/files.ts';
import { filesOnKernel, installedFact } from '../tree/installed-files.ts';
import { builtDirectory, builtFiles } from '../tree/tree.ts';
import { targetsOf } from './install.ts';

/** A tree that dkms built is taken as fresh at first sight: what it was built from is remembered as it is now. */

const symbolsNow = async (run: Run, survey: Survey, finding: Finding): Promise<Record<string, UsedSymbols>> => {
  const { module } = finding.entry;
  const now = dependenciesNow(run, finding.kernel, needsOn(survey, finding.kernel, module));
  if (now.size === 0) return {};
  const directory = builtDirectory(run.settings.dkmsTree, module, finding.kernel);
  const objects = builtFiles(directory).map((file) => join(directory, 'module', file));
  const imports = await importsOf(objects, run.processes);
  return Object.fromEntries([...now].map(([name, dependency]) => [name, usedSymbols(dependency, imports)]));
};

/** Where dkms installs is dkms's file, whatever its bytes: somebody may have signed it since. */
const standing = (run: Run, { entry, kernel, conf }: Finding): InstalledFile[] => {
  const equal = filesOnKernel(run, entry.module, kernel);
  const targets = conf ? targetsOf(run, conf, entry.module, kernel) : [];
  const changed = targets.filter(({ to }) => exists(to) && !equal.some(({ path }) => path === to));
  return [...equal, ...changed.map(({ to }) => ({ ...installedFact(to, hashFile(to)), differs: true as const }))];
};

const adopt = async (run: Run, survey: Survey, finding: Finding): Promise<void> => {
  const { entry, kernel, record, parts, candidate } = finding;
  const isInstalled = candidate.state === 'installed';
  writeRecord(run.settings.stateDir, entry.module, kernel, {
    ...record,
    build: {
      adopted: true,
      parts,
      dependencies: await symbolsNow(run, survey, finding),
      objects: finding.conf?.objects.map((object) => `${object.dest}.ko`) ?? [],
    },
    ...(isInstalled ? { installed: standing(run, finding) } : {}),
  });
};

/** What is up to date and did not know its Key, or was built with other exports, is known by it from now on. */
const takeOver = (run: Run, { entry, kernel, record, parts, conf, candidate }: Finding): void => {
  if (!record.build || !conf || candidate.state === 'added' || candidate.changed.length > 0) return;
  const build = takenOver(record.build, parts);
  if (build) writeRecord(run.settings.stateDir, entry.module, kernel, { ...record, build });
};

/** Adopt everything in a survey that nobody remembers building, and bring what is remembered up to date. */
export const adoptAll = async (run: Run, survey: Survey): Promise<void> => {
  for (const findings of survey.findings.values()) {
    for (const finding of findings.values()) {
      if (finding.adopted && finding.conf) await adopt(run, survey, finding);
      else takeOver(run, finding);
    }
  }
};
