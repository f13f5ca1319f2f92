import type { Problem } from '../problems.ts';
import { type Family, familyOf } from '../system/distribution.ts';
import { isPathSegment, staysBelow } from '../system/names.ts';
import type { RawConf } from './directives.ts';
import { first, inOrder, valuesOf } from './values.ts';

/** The objects that a conf names: which, under which names, and where they go. */

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

const withSlash = (path: string): string => (path === '' || path.endsWith('/') ? path : `${path}/`);

/** Every index that a directive about an object has; an array in bash may have one of 2^62 beside none. */
const indexesIn = (raw: RawConf): number[] => {
  const names = ['BUILT_MODULE_NAME', 'BUILT_MODULE_LOCATION', 'DEST_MODULE_NAME', 'DEST_MODULE_LOCATION'];
  const indexes = names.flatMap((name) => inOrder(valuesOf(raw, name)).map(([index]) => index));
  return [...new Set(indexes)].sort((a, b) => a - b);
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
const destination = /^\/(kernel|updates|extra)/;

const problemWithName = (name: string): Problem | undefined => {
  if (/\.k?o$/.test(name)) return { problem: 'object-suffix', name };
  return isPathSegment(name) ? undefined : { problem: 'object-name', name };
};

const problemWithDestination = (directive: string, value: string): Problem | undefined => {
  if (value === '') return { problem: 'directive-missing', directive };
  const isAllowed = destination.test(value) && !value.split('/').includes('..');
  return isAllowed ? undefined : { problem: 'destination', directive, value };
};

const problemsWith = (object: ConfObject, index: number): Problem[] => {
  const at = `[${index}]`;
  const names =
    object.built === ''
      ? [{ problem: 'directive-missing', directive: `BUILT_MODULE_NAME${at}` } as const]
      : [...new Set([object.built, object.dest])].map(problemWithName);
  const [location, value] = [object.location, object.destLocation];
  const outside: Problem = { problem: 'outside-build', directive: `BUILT_MODULE_LOCATION${at}`, value: location };
  return [
    ...names,
    staysBelow(location) ? undefined : outside,
    problemWithDestination(`DEST_MODULE_LOCATION${at}`, value),
  ].filter((problem) => problem !== undefined);
};

const duplicatesIn = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name, index) => name !== '' && names.indexOf(name) !== index)),
];

/** All that is wrong with what a conf says of its objects. */
export const problemsWithAll = (all: ReadonlyMap<number, ConfObject>): Problem[] => {
  const objects = [...all.values()].filter(({ built }) => built !== '');
  const built = duplicatesIn(objects.map((object) => object.location + object.built));
  const installed = duplicatesIn(objects.map((object) => object.dest));
  return [
    ...[...all].flatMap(([index, object]) => problemsWith(object, index)),
    ...built.map((name): Problem => ({ problem: 'built-twice', name })),
    ...(built.length > 0 ? [] : installed.map((name): Problem => ({ problem: 'installed-twice', name }))),
  ];
};

/** The objects of a conf by their index. */
export const objectsOf = (raw: RawConf): Map<number, ConfObject> => {
  const all = indexesIn(raw);
  const count = (all.at(-1) ?? -1) + 1;
  // Sparse arrays leave gaps that nobody means.
  const said = (index: number): boolean =>
    ['BUILT_MODULE_NAME', 'DEST_MODULE_LOCATION'].some((name) => valuesOf(raw, name).get(index));
  const indexes = all.filter((index) => count === 1 || said(index));
  return new Map(indexes.map((index) => [index, objectAt(raw, index, count)]));
};

/** Where the tools of a distribution look for modules that are not the kernel's own; unsaid, the conf says it. */
const addonDirectories: Partial<Readonly<Record<Family, string>>> = {
  debian: '/updates/dkms',
  ubuntu: '/updates/dkms',
  arch: '/updates/dkms',
  redhat: '/extra',
  suse: '/updates',
};

/** Where objects go on a distribution, below `<install tree>/<release>`; the conf's own place where dkms leaves it. */
export const installLocation = (
  distribution: string,
  addonDirectory: string | undefined,
  object: ConfObject,
): string => {
  if (addonDirectory) return `/${addonDirectory.replace(/^\/+|\/+$/g, '')}`;
  const family = familyOf(distribution);
  return (family && addonDirectories[family]) ?? object.destLocation.replace(/\/+$/, '');
};
