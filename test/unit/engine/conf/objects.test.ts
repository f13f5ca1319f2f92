import { describe, expect, it } from 'vitest';
import { type ConfObject, installLocation, objectsOf, problemsWithAll } from '../../../../src/engine/conf/objects.ts';
import { problemSentence } from '../../../../src/report/problems.ts';
import { rawOf } from './conf-raw.ts';

const objectsIn = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(objectsOf(rawOf({ PACKAGE_NAME: 'demo', ...values })));
const problemsIn = (values: Readonly<Record<string, string>>) =>
  problemsWithAll(objectsOf(rawOf({ PACKAGE_NAME: 'demo', ...values })));
const problemIn = (values: Readonly<Record<string, string>>) => {
  const [problem] = problemsIn(values);
  return problem && problemSentence(problem);
};

const object = (more: Partial<ConfObject> = {}): ConfObject => ({
  built: 'a',
  location: '',
  dest: 'a',
  destLocation: '/extra',
  strip: true,
  ...more,
});
const there = { BUILT_MODULE_NAME: 'a', DEST_MODULE_LOCATION: '/extra' };

describe('the objects of a conf', () => {
  it.each<[string, Record<string, string>, Record<number, ConfObject>]>([
    ['are none of one that names none', {}, {}],
    ['have the name that they are built as', there, { 0: object() }],
    [
      'have the name of the package where it has one only',
      { DEST_MODULE_LOCATION: '/extra' },
      { 0: object({ built: 'demo', dest: 'demo' }) },
    ],
    [
      'have no name where there are several',
      { DEST_MODULE_LOCATION: '/extra', 'DEST_MODULE_NAME[1]': 'b' },
      { 0: object({ built: '', dest: '' }) },
    ],
    [
      'are counted by where they are built too',
      { ...there, BUILT_MODULE_NAME: '', 'BUILT_MODULE_LOCATION[1]': 'x' },
      { 0: object({ built: '', dest: '' }) },
    ],
    [
      'are one where only its place below build is told',
      { BUILT_MODULE_LOCATION: 'src' },
      { 0: object({ built: 'demo', dest: 'demo', location: 'src/', destLocation: '' }) },
    ],
    [
      'are those that have a name, though no place is told',
      { ...there, 'BUILT_MODULE_NAME[1]': 'b' },
      { 0: object(), 1: object({ built: 'b', dest: 'b', destLocation: '' }) },
    ],
    [
      'leave out gaps',
      { ...there, 'BUILT_MODULE_NAME[3]': 'b', 'DEST_MODULE_LOCATION[3]': '/updates' },
      { 0: object(), 3: object({ built: 'b', dest: 'b', destLocation: '/updates' }) },
    ],
    ['can be installed under another name', { ...there, DEST_MODULE_NAME: 'c' }, { 0: object({ dest: 'c' }) }],
    ['can be built below', { ...there, BUILT_MODULE_LOCATION: 'src/x/' }, { 0: object({ location: 'src/x/' }) }],
    [
      'are built here, however often that is said',
      { ...there, BUILT_MODULE_LOCATION: '././src' },
      { 0: object({ location: 'src/' }) },
    ],
    ['are built here', { ...there, BUILT_MODULE_LOCATION: '.' }, { 0: object() }],
    ['keep a ./ within', { ...there, BUILT_MODULE_LOCATION: 'src/./x' }, { 0: object({ location: 'src/./x/' }) }],
  ])('%s', (_rule, values, expected) => {
    expect(objectsIn(values)).toEqual(expected);
  });

  it.each([
    ['no', false],
    ['n', false],
    ['NO', false],
    ['never', false],
    ['yes', true],
    ['', true],
    ['on', true],
    ['unknown', true],
  ])('are stripped for STRIP=%j: %s', (strip, expected) => {
    expect(objectsIn({ ...there, STRIP: strip })[0]?.strip).toBe(expected);
  });
  it('are stripped as the first one where nothing else is said', () => {
    const both = { ...there, 'BUILT_MODULE_NAME[1]': 'b', STRIP: 'no' };
    expect(objectsIn(both)[1]?.strip).toBe(false);
    expect(objectsIn({ ...both, 'STRIP[1]': 'yes' })[1]?.strip).toBe(true);
  });
});

describe('a problem with the objects of a conf', () => {
  it.each<[Record<string, string>, string | undefined]>([
    [there, undefined],
    [{ ...there, BUILT_MODULE_NAME: 'a.old' }, undefined],
    [{ ...there, BUILT_MODULE_NAME: 'a.b', DEST_MODULE_NAME: 'c-d+e' }, undefined],
    [{ ...there, DEST_MODULE_LOCATION: '/kernel' }, undefined],
    [{ ...there, DEST_MODULE_LOCATION: '/kernel/drivers/net/' }, undefined],
    [{ ...there, DEST_MODULE_LOCATION: '/updates/..a' }, undefined],
    [
      {
        ...there,
        'BUILT_MODULE_NAME[1]': 'a',
        'BUILT_MODULE_LOCATION[1]': 'x',
        'DEST_MODULE_NAME[1]': 'b',
        'DEST_MODULE_LOCATION[1]': '/extra',
      },
      undefined,
    ],
    [{ ...there, BUILT_MODULE_NAME: 'a.ko' }, 'a.ko: module names are given without .ko'],
    [{ ...there, BUILT_MODULE_NAME: 'a.o' }, 'a.o: module names are given without .ko'],
    [{ ...there, DEST_MODULE_NAME: 'b.ko' }, 'b.ko: module names are given without .ko'],
    [{ ...there, BUILT_MODULE_NAME: 'a/b' }, 'invalid module name: a/b'],
    [{ ...there, DEST_MODULE_NAME: '../b' }, 'invalid module name: ../b'],
    [{ ...there, BUILT_MODULE_LOCATION: '../x' }, 'BUILT_MODULE_LOCATION[0] is outside the build directory: ../x/'],
    [{ ...there, BUILT_MODULE_LOCATION: '/x' }, 'BUILT_MODULE_LOCATION[0] is outside the build directory: /x/'],
    [{ BUILT_MODULE_NAME: 'a' }, 'DEST_MODULE_LOCATION[0] is not set'],
    [{ ...there, 'DEST_MODULE_LOCATION[1]': '/extra' }, 'BUILT_MODULE_NAME[1] is not set'],
    [
      { ...there, DEST_MODULE_LOCATION: '/lib' },
      'DEST_MODULE_LOCATION[0] must start with /kernel, /updates or /extra: /lib',
    ],
    [
      { ...there, DEST_MODULE_LOCATION: 'extra' },
      'DEST_MODULE_LOCATION[0] must start with /kernel, /updates or /extra: extra',
    ],
    [
      { ...there, DEST_MODULE_LOCATION: '/a/extra' },
      'DEST_MODULE_LOCATION[0] must start with /kernel, /updates or /extra: /a/extra',
    ],
    [{ ...there, DEST_MODULE_LOCATION: '/updates-mine' }, undefined],
    [
      { ...there, DEST_MODULE_LOCATION: '/extra/../..' },
      'DEST_MODULE_LOCATION[0] must start with /kernel, /updates or /extra: /extra/../..',
    ],
    [
      { ...there, 'BUILT_MODULE_NAME[1]': 'a', 'DEST_MODULE_NAME[1]': 'b', 'DEST_MODULE_LOCATION[1]': '/extra' },
      'two modules are built as a',
    ],
    [
      { ...there, 'BUILT_MODULE_NAME[1]': 'b', 'DEST_MODULE_NAME[1]': 'a', 'DEST_MODULE_LOCATION[1]': '/extra' },
      'two modules are installed as a',
    ],
  ])('%j', (values, problem) => {
    expect(problemIn(values)).toBe(problem);
  });
});

describe('where an object goes', () => {
  it.each([
    ['debian', undefined, '/extra', '/updates/dkms'],
    ['debian kali', undefined, '/extra', '/updates/dkms'],
    ['ubuntu', undefined, '/kernel/x', '/updates/dkms'],
    ['arch', undefined, '/extra', '/updates/dkms'],
    ['fedora', undefined, '/updates', '/extra'],
    ['rhel centos fedora', undefined, '/updates', '/extra'],
    ['ovm', undefined, '/updates', '/extra'],
    ['centos', undefined, '/updates', '/extra'],
    ['suse', undefined, '/extra', '/updates'],
    ['sles', undefined, '/extra', '/updates'],
    ['opensuse suse', undefined, '/extra', '/updates'],
    ['gentoo', undefined, '/extra', '/extra'],
    ['gentoo', undefined, '/kernel/drivers//', '/kernel/drivers'],
    ['xdebian', undefined, '/kernel', '/kernel'],
    ['xfedora', undefined, '/kernel', '/kernel'],
    ['xsuse', undefined, '/kernel', '/kernel'],
    ['', undefined, '/kernel', '/kernel'],
    ['debian', '/updates/own', '/extra', '/updates/own'],
    ['gentoo', 'own', '/extra', '/own'],
    ['gentoo', '//own//of//', '/extra', '/own//of'],
    ['fedora', '', '/updates', '/extra'],
  ])('on %j with %j and %s: %s', (distribution, addon, destLocation, expected) => {
    expect(installLocation(distribution, addon, object({ destLocation }))).toBe(expected);
  });
});
