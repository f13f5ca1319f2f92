import type { Failure } from '../errors.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import type { Problem } from '../problems.ts';
import { type Kernel, type Module, sameModule } from '../request.ts';
import { isCleanName } from '../system/names.ts';
import { deadDirectives, type RawConf, type ScriptName, scriptNames } from './directives.ts';
import { type Exclusion, exclusionOf } from './exclusion.ts';
import { type ConfObject, objectsOf, problemsWithAll } from './objects.ts';
import { first, inOrder, matchesOf, valuesOf } from './values.ts';

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

export type ConfResult =
  | { readonly conf: ModuleConf }
  | { readonly invalid: Pick<Failure, 'kind' | 'detail' | 'problem' | 'more'> };

/** The last regular expression that matches wins; where none does, MAKE[0] if it has none of its own. */
const makeOf = (raw: RawConf): string | undefined => {
  const make = valuesOf(raw, 'MAKE');
  const matches = matchesOf(raw, 'MAKE_MATCH');
  const patterns = valuesOf(raw, 'MAKE_MATCH');
  let chosen = patterns.get(0) ? undefined : make.get(0);
  for (const [index] of inOrder(patterns))
    if (matches.get(index) === 'yes' && make.get(index)) chosen = make.get(index);
  return chosen || undefined;
};

const patchesOf = (raw: RawConf): string[] => {
  const patterns = valuesOf(raw, 'PATCH_MATCH');
  const matches = matchesOf(raw, 'PATCH_MATCH');
  return inOrder(valuesOf(raw, 'PATCH'))
    .filter(([index]) => !patterns.get(index) || matches.get(index) === 'yes')
    .map(([, patch]) => patch);
};

const scriptsOf = (raw: RawConf): Partial<Record<ScriptName, string>> =>
  Object.fromEntries(scriptNames.map((name) => [name, first(raw, name)]).filter(([, value]) => value));

const switches = ['AUTOINSTALL', 'NO_WEAK_MODULES', 'BUILD_DEPENDS_REBUILD'] as const;

const badSwitches = (raw: RawConf): Problem[] =>
  switches
    .map((directive) => ({ problem: 'not-yes-or-no', directive, value: first(raw, directive) }) as const)
    .filter(({ value }) => value && !/^(yes|no|y|n)$/i.test(value));

const problemWithName = (directive: string, value: string): Problem | undefined => {
  if (!value) return { problem: 'directive-missing', directive };
  return isCleanName(value) ? undefined : { problem: 'directive-invalid', directive, value };
};

/** All that is wrong with the names of a conf. */
const problemsWithModule = (module: Module, expected: Module | undefined): Problem[] => {
  const unclean = [
    problemWithName('PACKAGE_NAME', module.name),
    problemWithName('PACKAGE_VERSION', module.version),
  ].filter((problem) => problem !== undefined);
  if (unclean.length > 0 || !expected || sameModule(expected, module)) return unclean;
  return [{ problem: 'other-module', found: module, expected }];
};

const isYes = (raw: RawConf, name: (typeof switches)[number]): boolean => /^y/i.test(first(raw, name));

const variablesOf = (raw: RawConf): [string, string][] =>
  [...raw.values].flatMap(([name, values]) =>
    [...values].map(([index, value]): [string, string] => [`${name}[${index}]`, value]),
  );

/**
 * Make a ModuleConf out of what bash read, with dkms's defaults and rules.
 *
 * @param expected the name and version of the directory or tree entry that the conf belongs to
 * @returns the conf, or why it cannot be used: conf-invalid, name-mismatch
 */
export const confOf = (raw: RawConf, expected: Module | undefined, facts: KernelFacts): ConfResult => {
  const module = { name: first(raw, 'PACKAGE_NAME'), version: first(raw, 'PACKAGE_VERSION') };
  const all = objectsOf(raw);
  const [problem, ...more] = [...problemsWithModule(module, expected), ...badSwitches(raw), ...problemsWithAll(all)];
  if (problem) {
    const kind = problem.problem === 'other-module' ? 'name-mismatch' : 'conf-invalid';
    return { invalid: { kind, problem, ...(more.length > 0 ? { more } : {}) } };
  }
  const patches = patchesOf(raw);
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
    // Older dkms splits one that names several.
    depends: [
      ...new Set(inOrder(valuesOf(raw, 'BUILD_DEPENDS')).flatMap(([, names]) => names.split(/\s+/).filter(Boolean))),
    ],
    autoinstall: isYes(raw, 'AUTOINSTALL'),
    noWeakModules: isYes(raw, 'NO_WEAK_MODULES'),
    rebuildWithDependencies: isYes(raw, 'BUILD_DEPENDS_REBUILD'),
    ignored: deadDirectives.filter((name) => first(raw, name)),
    variables: variablesOf(raw),
    ...(exclusion ? { exclusion } : {}),
    ...(make ? { make } : {}),
  };
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
