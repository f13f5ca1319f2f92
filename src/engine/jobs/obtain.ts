import { type Built, buildModule } from '../build/build.ts';
import { takeBuilt } from '../build/from-store.ts';
import { forgetKept, placeToKeep, storeBuild } from '../build/keep.ts';
import type { DependencySymbols } from '../build/make.ts';
import { FailureError } from '../errors.ts';
import { packageVersion } from '../kernel/kernel-package.ts';
import { headersContents, kbuildContents } from '../key/headers.ts';
import { kernelTagOf } from '../key/kernel-tag.ts';
import { keyOf } from '../key/key.ts';
import type { StoredBuild } from '../outcome.ts';
import { sourceContents } from '../plan/source-hashes.ts';
import { dropRevoked } from '../registry/revoked.ts';
import type { BuildRecord, KeyParts } from '../state/record.ts';
import { dropArtifact, hasArtifact, statementOf, storedArtifacts } from '../store/artifacts.ts';
import type { Statement } from '../store/layout.ts';
import type { NotTaken } from '../store/take.ts';
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
  readonly parts: Pick<BuildRecord, 'parts' | 'writes' | 'kernelPackage' | 'builderKey'>;
  readonly from?: StoredBuild;
}

/** What machines without headers find and check a build by. */
const ofKernel = async ({ run, site }: JobContext): Promise<Pick<Statement, 'kernelPackage' | 'vermagic'>> => {
  // Headers that somebody has named are not those of the kernel's package.
  if (run.switches.kernelSource !== undefined) return {};
  const kernelPackage = await run.kernelPackageOf(site.kernel);
  const vermagic = await run.vermagicOf(site.kernel);
  return { ...(kernelPackage ? { kernelPackage } : {}), ...(vermagic === undefined ? {} : { vermagic }) };
};

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
    const { confined, ...built } = await buildModule(run, site, {
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
      await storeBuild(run, keepAt, site, {
        parts,
        result: built.result,
        seconds,
        confined,
        ...(await ofKernel(context)),
      });
    return { built, seconds, parts: from };
  } finally {
    if (keepAt !== undefined) await forgetKept(run, keepAt);
  }
};

/** The same build as it is in the Store; why not, where there is none that can be used. */
const takeStored = async (
  { run, conf, site, say }: JobContext,
  parts: KeyParts,
  key: string,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made | NotTaken> => {
  say('take');
  const taken = await takeBuilt(run, site, conf, dependencies, key, onPublished);
  if (!('built' in taken)) return taken;
  const { built: at, seconds, by, signer } = taken.statement;
  const from = { built: at, seconds, ...(by === undefined ? {} : { by }) };
  const known = { parts, ...(signer === undefined ? {} : { builderKey: signer }) };
  return { built: taken.built, seconds, parts: known, from };
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
  if (isCompiled(context)) {
    dropArtifact(stateDir, name, key);
    return undefined;
  }
  const taken = await takeStored(context, parts, key, dependencies, onPublished);
  return 'built' in taken ? taken : undefined;
};

/** The Key of a build in the Store that has a kernel tag. */
const storedWith = (stateDir: string, name: string, tag: string): string | undefined =>
  storedArtifacts(stateDir)
    .filter((stored) => stored.name === name)
    .map(({ key }) => statementOf(stateDir, name, key))
    .find((one) => one?.kernelPackage && kernelTagOf(one.parts, one.kernelPackage) === tag)?.key;

/** What came cannot be used here: a program is missing, say, or room. */
const unusable = (at: string, { problem }: NotTaken): FailureError =>
  new FailureError({ kind: 'prebuilt-refused', at, ...(problem ? { problem } : { detail: 'it cannot be used' }) });

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
  if ('built' in taken) return taken;
  if (policy === 'only') throw unusable(at, taken);
  return undefined;
};

/** The same by its kernel tag, for a kernel without headers; it has the parts that were known where it was built. */
const withoutHeaders = async (
  context: JobContext,
  parts: KeyParts,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made> => {
  const { run, site } = context;
  const { stateDir, storeSize } = run.settings;
  const { name } = site.module;
  const ofKernel = await run.kernelPackageOf(site.kernel);
  const tag = ofKernel && kernelTagOf(parts, ofKernel);
  const stored = tag === undefined || isCompiled(context) ? undefined : storedWith(stateDir, name, tag);
  const { fetchByTag, isFitting } = await import('./prebuilt.ts');
  const key = stored !== undefined && (await isFitting(context, stored)) ? stored : await fetchByTag(context, tag);
  const statement = statementOf(stateDir, name, key);
  const taken = statement && (await takeStored(context, statement.parts, key, dependencies, onPublished));
  if (storeSize === 0) dropArtifact(stateDir, name, key);
  if (!taken || !ofKernel) throw unusable(key, {});
  if (!('built' in taken)) throw unusable(key, taken);
  return { ...taken, parts: { ...taken.parts, kernelPackage: packageVersion(ofKernel) } };
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
  await dropRevoked(context.run, context.site.module.name);
  if (context.site.facts.headers === undefined) return withoutHeaders(context, parts, dependencies, onPublished);
  const known = knownKey(context, parts);
  const key = context.run.settings.storeSize > 0 ? known : undefined;
  const taken = key === undefined ? undefined : await take(context, parts, key, dependencies, onPublished);
  const found = taken ?? (await fetch(context, parts, known, dependencies, onPublished));
  return found ?? make(context, parts, key, dependencies, onPublished);
};
