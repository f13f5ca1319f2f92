import { type Built, buildModule } from '../build/build.ts';
import { takeBuilt } from '../build/from-store.ts';
import { forgetKept, placeToKeep, storeBuild } from '../build/keep.ts';
import type { DependencySymbols } from '../build/make.ts';
import { FailureError } from '../errors.ts';
import { headersContents, kbuildContents } from '../key/headers.ts';
import { keyOf } from '../key/key.ts';
import type { StoredBuild } from '../outcome.ts';
import { sourceContents } from '../plan/source-hashes.ts';
import type { BuildRecord, KeyParts } from '../state/record.ts';
import { dropArtifact, hasArtifact } from '../store/artifacts.ts';
import { changedPaths, type TreeFacts, treeFacts } from '../tree/tree-facts.ts';
import type { JobContext } from './job-context.ts';

/** A build: out of the Store where it is there, or from a registry, else compiled and kept. */

/** Some builds write into their own source: that is no change of it, and would be one at every look. */
const builtFrom = (
  { run, site }: JobContext,
  parts: KeyParts,
  before: TreeFacts,
): Pick<BuildRecord, 'parts' | 'writes'> => {
  const writes = changedPaths(before, treeFacts(site.source));
  if (writes.length === 0) return { parts };
  const contents = sourceContents(run.memory, site.source, treeFacts(site.source));
  return { parts: { ...parts, sources: contents?.hashWithout(writes) ?? parts.sources }, writes };
};

/** Between the survey and its turn a source may have been replaced: it is what is copied that counts. */
const asCopied = ({ run, site, finding }: JobContext, parts: KeyParts, source: TreeFacts): KeyParts => {
  const contents = sourceContents(run.memory, site.source, source);
  return contents ? { ...parts, sources: contents.hashWithout(finding.record.build?.writes ?? []) } : parts;
};

/** Headers that an upgrade replaced while something was built are not those that its Key names. */
const areHeadersTheSame = async ({ run, site }: JobContext, { headers, kbuild }: KeyParts): Promise<boolean> =>
  (await run.areHeadersUntouched(site.kernel)) ||
  (headersContents(run.memory, site.facts).hashWithout([]) === headers &&
    kbuildContents(run.memory, site.facts).hashWithout([]) === kbuild);

/** What tells a build from every other; undefined where nobody knows all that goes into it, or nothing comes out. */
const knownKey = ({ run, conf }: JobContext, parts: KeyParts): string | undefined => {
  const isKnown = parts.headers !== '' && parts.compiler !== '' && run.switches.kernelConfig === undefined;
  return isKnown && conf.objects.length > 0 ? keyOf(parts) : undefined;
};

/** Whoever forces it wants it built. */
const isForced = ({ job }: JobContext): boolean => job.why.reason === 'forced';

/** What will not load is not to come back as it was, either. */
const isCompiled = (context: JobContext): boolean =>
  isForced(context) || context.finding.record.failure?.failure.kind === 'will-not-load';

/** A build, and how it came about. */
export interface Made {
  readonly built: Built;
  /** That the compiler took, now or when it was put into the Store. */
  readonly seconds: number;
  readonly parts: Pick<BuildRecord, 'parts' | 'writes'>;
  readonly from?: StoredBuild;
}

const make = async (
  context: JobContext,
  planned: KeyParts,
  key: string | undefined,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made> => {
  const { run, conf, site, say } = context;
  const before = treeFacts(site.source);
  const parts = asCopied(context, planned, before);
  const keepAt = key === undefined ? undefined : await placeToKeep(run);
  const start = performance.now();
  try {
    const built = await buildModule(run, site, {
      conf,
      dependencies,
      say,
      onPublished,
      ...(keepAt === undefined ? {} : { keepAt }),
    });
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    const from = builtFrom(context, parts, before);
    // What a build leaves in its own source does not come out of the Store.
    if (keepAt !== undefined && !from.writes && (await areHeadersTheSame(context, parts)))
      await storeBuild(run, keepAt, site, { parts, result: built.result, seconds });
    return { built, seconds, parts: from };
  } finally {
    if (keepAt !== undefined) await forgetKept(run, keepAt);
  }
};

/** The same build as it is in the Store; undefined where there is none that can be used. */
const takeStored = async (
  { run, conf, site, say }: JobContext,
  parts: KeyParts,
  key: string,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made | undefined> => {
  say('take');
  const taken = await takeBuilt(run, site, conf, dependencies, key, onPublished);
  if (!taken) return undefined;
  const { built: at, seconds, by } = taken.statement;
  const from = { built: at, seconds, ...(by === undefined ? {} : { by }) };
  return { built: taken.built, seconds, parts: { parts }, from };
};

/** The same build as it is in the Store; undefined where it has to be made. */
const take = async (
  context: JobContext,
  parts: KeyParts,
  key: string,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made | undefined> => {
  const { stateDir } = context.run.settings;
  const { name } = context.site.module;
  if (!hasArtifact(stateDir, name, key)) return undefined;
  if (!isCompiled(context)) return takeStored(context, parts, key, dependencies, onPublished);
  dropArtifact(stateDir, name, key);
  return undefined;
};

/** The same build as another machine has made it; undefined where it has to be made here. */
const fetch = async (
  context: JobContext,
  parts: KeyParts,
  key: string | undefined,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made | undefined> => {
  const { settings } = context.run;
  if (settings.prebuilt.from === undefined || isForced(context)) return undefined;
  // Loaded only where there is a registry.
  const { fetchPrebuilt } = await import('./prebuilt.ts');
  if (!(await fetchPrebuilt(context, key)) || key === undefined) return undefined;
  const { from: at, policy } = settings.prebuilt;
  const taken = await takeStored(context, parts, key, dependencies, onPublished);
  if (settings.storeSize === 0) dropArtifact(settings.stateDir, context.site.module.name, key);
  if (!taken && policy === 'only')
    throw new FailureError({ kind: 'prebuilt-refused', at, detail: 'it cannot be used' });
  return taken;
};

/**
 * The build that has these parts, in the dkms tree.
 *
 * @param onPublished told when what was built before is replaced
 */
export const obtain = async (
  context: JobContext,
  parts: KeyParts,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made> => {
  const known = knownKey(context, parts);
  const key = context.run.settings.storeSize > 0 ? known : undefined;
  const taken = key === undefined ? undefined : await take(context, parts, key, dependencies, onPublished);
  const found = taken ?? (await fetch(context, parts, known, dependencies, onPublished));
  return found ?? make(context, parts, key, dependencies, onPublished);
};
