import { matchOf, type RawConf } from './conf-reader.ts';
import type { Failure } from './errors.ts';
import type { KernelFacts } from './kernel.ts';
import type { Kernel, Module } from './request.ts';
import { compareVersions } from './version.ts';

/** One `.ko` that a Module yields. */
export interface ConfObject {
  /** File name without `.ko` as the build leaves it. */
  readonly built: string;
  /** Directory below build/, empty or ending in `/`. */
  readonly location: string;
  /** File name without `.ko` as it is installed. */
  readonly dest: string;
  /** `/kernel/…`, `/updates/…` or `/extra/…`, as the conf says it. */
  readonly destLocation: string;
  readonly strip: boolean;
}

export interface Exclusion {
  /** The directive that does not match. */
  readonly rule: string;
  readonly value: string;
}

export type ScriptName = 'PRE_BUILD' | 'POST_BUILD' | 'POST_ADD' | 'PRE_INSTALL' | 'POST_INSTALL' | 'POST_REMOVE';

/** A dkms.conf with its overrides, read for one Kernel, with all defaults applied. */
export interface ModuleConf {
  readonly module: Module;
  /** Objects wanted on this Kernel; those excluded on their own are not among them. */
  readonly objects: readonly ConfObject[];
  /** The whole Module is ruled out on this Kernel. */
  readonly exclusion?: Exclusion;
  /** The shell line that builds; undefined: kbuild's usual one. */
  readonly make?: string;
  /** File names below patches/, those that match this Kernel, in order. */
  readonly patches: readonly string[];
  readonly scripts: Readonly<Partial<Record<ScriptName, string>>>;
  readonly depends: readonly string[];
  readonly autoinstall: boolean;
  readonly noWeakModules: boolean;
  readonly rebuildWithDependencies: boolean;
  /** Directives that are set and mean nothing any more. */
  readonly ignored: readonly string[];
  /** Every directive as read, for the scope of MAKE: `NAME[index]` and its value. */
  readonly variables: readonly (readonly [string, string])[];
}

export type ConfResult = { readonly conf: ModuleConf } | { readonly invalid: Pick<Failure, 'kind' | 'detail'> };

type Values = ReadonlyMap<number, string>;

const none: Values = new Map();
const valuesOf = (raw: RawConf, name: string): Values => raw.get(name) ?? none;
const first = (raw: RawConf, name: string): string => valuesOf(raw, name).get(0) ?? '';
const inOrder = (values: Values): [number, string][] =>
  [...values].filter(([, value]) => value !== '').sort(([a], [b]) => a - b);

const invalid = (detail: string): ConfResult => ({ invalid: { kind: 'conf-invalid', detail } });

const safeName = /^[A-Za-z0-9][A-Za-z0-9._+~@:-]*$/;

/** Whether text can be a module's name or version: one clean path segment. */
export const isCleanName = (text: string): boolean => safeName.test(text) && !text.includes('..');

const withSlash = (path: string): string => (path === '' || path.endsWith('/') ? path : `${path}/`);

/** Relative, and never above where it starts. */
const staysBelow = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..');

const objectCount = (raw: RawConf): number => {
  const names = ['BUILT_MODULE_NAME', 'BUILT_MODULE_LOCATION', 'DEST_MODULE_NAME', 'DEST_MODULE_LOCATION'];
  return Math.max(0, ...names.flatMap((name) => inOrder(valuesOf(raw, name)).map(([index]) => index + 1)));
};

/** yes unless no; what is not said follows STRIP[0]. */
const stripOf = (raw: RawConf, index: number): boolean => {
  const strip = valuesOf(raw, 'STRIP');
  return !/^n/i.test(strip.get(index) ?? strip.get(0) ?? 'yes');
};

const objectAt = (raw: RawConf, index: number, count: number): ConfObject => {
  const said = valuesOf(raw, 'BUILT_MODULE_NAME').get(index) ?? '';
  const built = said === '' && count === 1 ? first(raw, 'PACKAGE_NAME') : said;
  return {
    built,
    location: withSlash(valuesOf(raw, 'BUILT_MODULE_LOCATION').get(index) ?? '').replace(/^(\.\/)+/, ''),
    dest: valuesOf(raw, 'DEST_MODULE_NAME').get(index) || built,
    destLocation: valuesOf(raw, 'DEST_MODULE_LOCATION').get(index) ?? '',
    strip: stripOf(raw, index),
  };
};

/** Destinations that a conf may name, from the dkms manual. */
const destination = /^\/(kernel|updates|extra)(\/|$)/;

const problemWith = (object: ConfObject, index: number): string | undefined => {
  const at = `[${index}]`;
  if (object.built === '') return `BUILT_MODULE_NAME${at} is empty`;
  for (const name of [object.built, object.dest]) {
    if (/\.k?o$/.test(name)) return `${name}: a module's name is given without .ko`;
    if (!safeName.test(name)) return `${name}: not a file name for a module`;
  }
  if (!staysBelow(object.location)) return `BUILT_MODULE_LOCATION${at} leaves the build directory: ${object.location}`;
  if (object.destLocation === '') return `DEST_MODULE_LOCATION${at} is missing`;
  if (!destination.test(object.destLocation) || object.destLocation.split('/').includes('..')) {
    return `DEST_MODULE_LOCATION${at} must start with /kernel, /updates or /extra: ${object.destLocation}`;
  }
  return undefined;
};

const duplicateIn = (names: readonly string[]): string | undefined =>
  names.find((name, index) => names.indexOf(name) !== index);

const problemWithAll = (all: ReadonlyMap<number, ConfObject>): string | undefined => {
  const problem = [...all].map(([index, object]) => problemWith(object, index)).find((text) => text !== undefined);
  if (problem) return problem;
  const objects = [...all.values()];
  const built = duplicateIn(objects.map((object) => object.location + object.built));
  if (built) return `two modules are built as ${built}`;
  const dest = duplicateIn(objects.map((object) => object.dest));
  return dest ? `two modules are installed as ${dest}` : undefined;
};

/** `CONFIG_A !CONFIG_B`: all named options set, all with `!` not set. */
const configMatches = (rule: string, config: ReadonlyMap<string, string>): boolean =>
  rule
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => (word.startsWith('!') ? !config.has(word.slice(1)) : config.has(word)));

/** BUILD_EXCLUSIVE directives, the newest first in what a user wants to know. */
const exclusive = ['KERNEL', 'KERNEL_MIN', 'KERNEL_MAX', 'ARCH', 'CONFIG'] as const;

const isMet = (
  raw: RawConf,
  rule: (typeof exclusive)[number],
  index: number,
  value: string,
  facts: KernelFacts,
): boolean => {
  switch (rule) {
    case 'KERNEL':
    case 'ARCH':
      return valuesOf(raw, matchOf(`BUILD_EXCLUSIVE_${rule}`)).get(index) !== 'no';
    case 'KERNEL_MIN':
      return compareVersions(facts.kernel.release, value) >= 0;
    case 'KERNEL_MAX':
      return compareVersions(facts.kernel.release, value) <= 0;
    case 'CONFIG':
      return facts.config.size === 0 || configMatches(value, facts.config);
  }
};

const ruleValues = (raw: RawConf, rule: (typeof exclusive)[number]): Values => {
  const values = valuesOf(raw, `BUILD_EXCLUSIVE_${rule}`);
  const obsolete = first(raw, 'OBSOLETE_BY');
  return rule === 'KERNEL_MAX' && values.size === 0 && obsolete ? new Map([[0, obsolete]]) : values;
};

/** Index 0 is the whole Module's unless the directive has other indexes too (dkms's manual). */
const isGlobal = (values: Values): boolean => inOrder(values).every(([index]) => index === 0);

const exclusionOf = (raw: RawConf, facts: KernelFacts, index?: number): Exclusion | undefined => {
  for (const rule of exclusive) {
    const values = ruleValues(raw, rule);
    if (isGlobal(values) !== (index === undefined)) continue;
    const value = values.get(index ?? 0);
    if (value && !isMet(raw, rule, index ?? 0, value, facts)) return { rule: `BUILD_EXCLUSIVE_${rule}`, value };
  }
  return undefined;
};

/** The last regular expression that matches wins; without one MAKE[0], unless its own does not match. */
const makeOf = (raw: RawConf): string | undefined => {
  const make = valuesOf(raw, 'MAKE');
  const matches = valuesOf(raw, matchOf('MAKE_MATCH'));
  const patterns = valuesOf(raw, 'MAKE_MATCH');
  let chosen = patterns.get(0) && matches.get(0) === 'no' ? undefined : make.get(0);
  for (const [index] of inOrder(patterns))
    if (matches.get(index) === 'yes' && make.get(index)) chosen = make.get(index);
  return chosen || undefined;
};

const patchesOf = (raw: RawConf): string[] => {
  const patterns = valuesOf(raw, 'PATCH_MATCH');
  const matches = valuesOf(raw, matchOf('PATCH_MATCH'));
  return inOrder(valuesOf(raw, 'PATCH'))
    .filter(([index]) => !patterns.get(index) || matches.get(index) === 'yes')
    .map(([, patch]) => patch);
};

const scriptNames: readonly ScriptName[] = [
  'PRE_BUILD',
  'POST_BUILD',
  'POST_ADD',
  'PRE_INSTALL',
  'POST_INSTALL',
  'POST_REMOVE',
];

const scriptsOf = (raw: RawConf): Partial<Record<ScriptName, string>> =>
  Object.fromEntries(scriptNames.map((name) => [name, first(raw, name)]).filter(([, value]) => value));

const switches = ['AUTOINSTALL', 'NO_WEAK_MODULES', 'BUILD_DEPENDS_REBUILD'] as const;

const badSwitch = (raw: RawConf): string | undefined =>
  switches
    .map((name) => [name, first(raw, name)] as const)
    .find(([, value]) => value && !/^(yes|no|y|n)$/i.test(value))
    ?.join('=');

const isYes = (raw: RawConf, name: (typeof switches)[number]): boolean => /^y/i.test(first(raw, name));

const deadDirectives = [
  'CLEAN', 'REMAKE_INITRD', 'MODULES_CONF', 'MODULES_CONF_OBSOLETES', 'MODULES_CONF_ALIAS_TYPE', 'MODULES_CONF_OBSOLETE_ONLY',
]; // biome-ignore format: a list of words

const variablesOf = (raw: RawConf): [string, string][] =>
  [...raw]
    .filter(([name]) => !name.startsWith('match:'))
    .flatMap(([name, values]) => [...values].map(([index, value]): [string, string] => [`${name}[${index}]`, value]));

const objectsOf = (raw: RawConf): Map<number, ConfObject> => {
  const count = objectCount(raw);
  // Sparse arrays leave gaps that nobody means.
  const said = (index: number): boolean =>
    ['BUILT_MODULE_NAME', 'DEST_MODULE_LOCATION'].some((name) => valuesOf(raw, name).get(index));
  const indexes = Array.from({ length: count }, (_, index) => index).filter((index) => count === 1 || said(index));
  return new Map(indexes.map((index) => [index, objectAt(raw, index, count)]));
};

/**
 * Make a ModuleConf out of what bash read, with dkms's defaults and rules.
 *
 * @param expected the name and version of the directory or tree entry that the conf belongs to
 * @returns the conf, or why it cannot be used: conf-invalid, name-mismatch, patch-unsafe
 */
export const confOf = (raw: RawConf, expected: Module | undefined, facts: KernelFacts): ConfResult => {
  const module = { name: first(raw, 'PACKAGE_NAME'), version: first(raw, 'PACKAGE_VERSION') };
  if (!module.name) return invalid('PACKAGE_NAME is missing');
  if (!module.version) return invalid('PACKAGE_VERSION is missing');
  if (!isCleanName(module.name)) return invalid(`PACKAGE_NAME is not a clean name: ${module.name}`);
  if (!isCleanName(module.version)) return invalid(`PACKAGE_VERSION is not a clean version: ${module.version}`);
  if (expected && (expected.name !== module.name || expected.version !== module.version)) {
    const detail = `it says ${module.name}/${module.version}, its directory says ${expected.name}/${expected.version}`;
    return { invalid: { kind: 'name-mismatch', detail } };
  }
  const bad = badSwitch(raw);
  if (bad) return invalid(`${bad}: it must be yes or no`);
  const all = objectsOf(raw);
  const problem = problemWithAll(all);
  if (problem) return invalid(problem);
  const patches = patchesOf(raw);
  const unsafe = patches.find((patch) => !staysBelow(patch));
  if (unsafe) return { invalid: { kind: 'patch-unsafe', detail: unsafe } };
  return { conf: assemble(raw, module, all, patches, facts) };
};

const assemble = (
  raw: RawConf,
  module: Module,
  all: ReadonlyMap<number, ConfObject>,
  patches: readonly string[],
  facts: KernelFacts,
): ModuleConf => {
  const exclusions = [...all.keys()].map((index) => exclusionOf(raw, facts, index));
  const objects = [...all.values()].filter((_, position) => exclusions[position] === undefined);
  const allExcluded = objects.length === 0 ? exclusions[0] : undefined;
  const exclusion = exclusionOf(raw, facts) ?? allExcluded;
  const make = makeOf(raw);
  return {
    module,
    objects,
    patches,
    scripts: scriptsOf(raw),
    depends: [...new Set(inOrder(valuesOf(raw, 'BUILD_DEPENDS')).map(([, name]) => name))],
    autoinstall: isYes(raw, 'AUTOINSTALL'),
    noWeakModules: isYes(raw, 'NO_WEAK_MODULES'),
    rebuildWithDependencies: isYes(raw, 'BUILD_DEPENDS_REBUILD'),
    ignored: deadDirectives.filter((name) => first(raw, name)),
    variables: variablesOf(raw),
    ...(exclusion ? { exclusion } : {}),
    ...(make ? { make } : {}),
  };
};

/** Where objects go on a distribution, below `<install tree>/<release>`; the conf's own place where dkms leaves it. */
export const installLocation = (
  distribution: string,
  addonDirectory: string | undefined,
  object: ConfObject,
): string => {
  if (addonDirectory) return `/${addonDirectory.replace(/^\/+|\/+$/g, '')}`;
  if (/^(debian|ubuntu|arch)/.test(distribution)) return '/updates/dkms';
  if (/^(fedora|rhel|ovm|centos)/.test(distribution)) return '/extra';
  if (/^(suse|sles|opensuse)/.test(distribution)) return '/updates';
  return object.destLocation.replace(/\/+$/, '');
};

/** Variables in scope while a conf is read and while MAKE runs. */
export const confScope = (
  kernel: Kernel,
  headers: string,
  trees: { readonly dkmsTree: string; readonly sourceTree: string; readonly installTree: string },
  module: Module | undefined,
  framework: Readonly<Record<string, string>>,
): Record<string, string> => ({
  ...framework,
  kernelver: kernel.release,
  arch: kernel.arch,
  kernel_source_dir: headers,
  dkms_tree: trees.dkmsTree,
  source_tree: trees.sourceTree,
  install_tree: trees.installTree,
  ...(module ? { module: module.name, module_version: module.version } : {}),
});
