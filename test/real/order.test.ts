import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Ended } from '../child.ts';
import { run } from '../packages.ts';
import { makeWorld, type World } from '../world.ts';
import { generate, objectOf } from './generated-source.ts';

/**
 * One run of real kbuild over everything that has to do with order, on two kernels; each test looks
 * at one thing that it promised.
 */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const releases = kernels.map((kernel) => kernel.release);
/** The one whose headers the wrong Makefile names. */
const [favourite = '', neglected = ''] = releases;

/** The lowest first: neither the alphabet nor its reverse is an order of building. */
const chain = ['kilo', 'alfa', 'zulu', 'echo', 'tango', 'bravo'];
const diamond = ['delta-top', 'delta-left', 'delta-right', 'delta-bottom'];

/** What each module needs, as far as it is to be built. */
const needs: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(chain.map((name, index) => [name, chain.slice(index - 1, index).slice(0, index)])),
  'delta-top': ['delta-left', 'delta-right'],
  'delta-left': ['delta-bottom'],
  'delta-right': ['delta-bottom'],
  'delta-bottom': [],
  'zeta-core': [],
  'mid-link': ['zeta-core'],
  'alpha-top': ['mid-link'],
  aged: [],
  'aged-user': ['aged'],
  hider: ['kilo'],
  'left-out-user': [],
  'uname-maker': [],
};

const sound = Object.keys(needs);
const objects = sound.map(objectOf);

const hidingMakefile = `# Symbols that the caller gives are thrown away here.
KBUILD_EXTRA_SYMBOLS :=
obj-m := hider.o
`;

const wrongMakefile = (headers: string): string => `obj-m := wrong.o
all:
	$(MAKE) -C ${headers} M=$(CURDIR) modules
`;

/** Those that are needed come last: the order of registration is wrong too. */
const fill = (world: World): void => {
  for (const name of [...chain].reverse()) {
    const below = chain.slice(0, chain.indexOf(name));
    // Symbols of two further down are used too, and no conf names those.
    generate(world, name, { depends: below.slice(-1), uses: below.slice(-3) });
  }
  for (const name of diamond) generate(world, name, { depends: needs[name] ?? [] });
  for (const fixture of ['alpha-top', 'mid-link', 'zeta-core', 'uname-maker', 'needs-broken', 'broken']) {
    world.addModule(fixture);
  }
  generate(world, 'needs-blocked', { depends: ['needs-broken'], uses: [] });
  generate(world, 'aged-user', { version: '3.7', depends: ['aged'] });
  generate(world, 'aged', { version: '1.9' });
  generate(world, 'aged', { version: '1.10' });
  generate(world, 'hider', { depends: ['kilo'], makefile: hidingMakefile });
  generate(world, 'left-out-user', { depends: ['left-out'], uses: [] });
  generate(world, 'left-out', { conf: 'BUILD_EXCLUSIVE_KERNEL="^2\\.4\\."\n' });
  generate(world, 'hopeful', { depends: ['nobody'], uses: [] });
  generate(world, 'hopeful-user', { depends: ['hopeful'] });
  generate(world, 'manual-user', { depends: ['manual'] });
  generate(world, 'manual', { conf: 'AUTOINSTALL="no"\n' });
  generate(world, 'ring-one', { depends: ['ring-two'], uses: [] });
  generate(world, 'ring-two', { depends: ['ring-one'], uses: [] });
  generate(world, 'ring-user', { depends: ['ring-one'], uses: [] });
  generate(world, 'wrong', { conf: 'MAKE="make all"\n', makefile: wrongMakefile(kernels[0]?.headers ?? '') });
};

/** Everything below the world's root, with the time of its last change. */
const listing = (world: World): string[] =>
  readdirSync(world.root, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(world.root, 'tmp')))
    .map((path) => `${path} ${lstatSync(path).mtimeMs}`)
    .sort();

describe.skipIf(provision.kind === 'missing')('order, on real kernels', () => {
  let world: World;
  let ended: Ended;
  let lines: string[];
  const plans: Record<string, Ended> = {};
  let changedByPlans: string[];

  beforeAll(async () => {
    world = makeWorld({ kernels, distribution: 'arch' });
    fill(world);
    const before = listing(world);
    for (const words of ['plan', 'plan --json', 'plan --dot', 'sync --dry-run', 'sync --dry-run --json']) {
      plans[words] = await world.kmodsort(words.split(' '));
    }
    const after = listing(world);
    changedByPlans = [
      ...before.filter((line) => !after.includes(line)),
      ...after.filter((line) => !before.includes(line)),
    ];
    ended = await world.kmodsort(['sync'], { timeout: 170_000 });
    lines = ended.stdout.split('\n');
  });

  afterAll(() => world?.dispose());

  const labelOf = (name: string): string => {
    const version = name === 'aged' ? '1.10' : name === 'aged-user' ? '3.7' : '1.0';
    return `${name}/${version}`;
  };
  const lineAt = (name: string, release: string, said: string): number =>
    lines.findIndex((line) => line.startsWith(`kmodsort: ${labelOf(name)}, ${release}: ${said}`));
  /** The summary's line about a module. */
  const row = (name: string, release: string): string =>
    lines.find((line) => /^ {2}\w/.test(line) && line.includes(` ${labelOf(name)} `) && line.includes(release)) ?? '';
  const isTried = (name: string): boolean =>
    lines.some((line) => line.startsWith(`kmodsort: ${labelOf(name)}, `) && line.includes(': building')) ||
    existsSync(join(world.trees.dkmsTree, labelOf(name), 'build')) ||
    world.files(join(world.trees.stateDir, 'log')).some((path) => path.startsWith(`${name}/`));

  it.each(releases)('installs every sound module on %s, each for that very kernel', (release) => {
    const wanted = release === favourite ? [...objects, 'wrong'] : objects;
    expect(world.installedObjects(release)).toEqual([...wanted].sort());
    const directory = join(world.trees.installTree, release);
    for (const path of world.files(directory).filter((file) => file.startsWith('updates/') && file.includes('.ko'))) {
      const vermagic = run('modinfo', ['-F', 'vermagic', join(directory, path)]);
      expect({ path, release: vermagic.split(' ')[0] }).toEqual({ path, release });
    }
  });

  it.each(releases)('starts each build on %s only after all that it needs is installed', (release) => {
    for (const name of sound) {
      const start = lineAt(name, release, 'building');
      expect({ name, tried: start >= 0 }).toEqual({ name, tried: true });
      for (const need of needs[name] ?? []) {
        const there = lineAt(need, release, 'installed in');
        expect({ name, need, inOrder: there >= 0 && there < start }).toEqual({ name, need, inOrder: true });
      }
    }
  });

  it.each(releases)('leaves a modules.dep on %s that knows what needs what', (release) => {
    const text = readFileSync(join(world.trees.installTree, release, 'modules.dep'), 'utf8');
    const dependenciesOf = (name: string): string[] => {
      const line = text.split('\n').find((one) => basename(one.split(':')[0] ?? '').startsWith(`${objectOf(name)}.ko`));
      return (line?.split(':')[1] ?? '').split(' ').map((path) => basename(path).replace(/\.ko.*$/, ''));
    };
    for (const name of sound.filter((one) => one !== 'left-out-user')) {
      expect({ name, needs: dependenciesOf(name) }).toEqual({
        name,
        needs: expect.arrayContaining((needs[name] ?? []).map(objectOf)),
      });
    }
    expect(dependenciesOf('bravo')).toEqual(expect.arrayContaining(chain.slice(0, -1)));
    expect(dependenciesOf('alpha-top')).toEqual(expect.arrayContaining(['mid_link', 'zeta_core']));
  });

  it('builds the newest version of a dependency, whatever the version of who needs it', () => {
    for (const release of releases) {
      expect(existsSync(join(world.trees.dkmsTree, 'aged/1.10', release))).toBe(true);
      expect(existsSync(join(world.trees.dkmsTree, 'aged/1.9', release))).toBe(false);
    }
  });

  it('gives the symbols once more on the command line to a Makefile that hides them, and to no other', () => {
    const retried = lines.filter((line) => line.includes('tried again with KBUILD_EXTRA_SYMBOLS'));
    expect(retried.length).toBeGreaterThan(0);
    expect(retried.filter((line) => !line.includes('hider/1.0'))).toEqual([]);
  });

  it('counts an excluded dependency as satisfied', () => {
    for (const release of releases) {
      expect(row('left-out', release)).toMatch(/^ {2}skipped .*excluded on this kernel: BUILD_EXCLUSIVE_KERNEL=/);
      expect(row('left-out-user', release)).toMatch(/^ {2}installed /);
    }
  });

  it('does not try what needs a module that failed, and names the one that started it', () => {
    for (const release of releases) {
      expect(row('broken', release)).toMatch(/^ {2}FAILED /);
      expect(row('needs-broken', release)).toMatch(/^ {2}blocked .*not tried: broken failed$/);
      expect(row('needs-blocked', release)).toMatch(/^ {2}blocked .*because broken failed$/);
    }
    expect(isTried('broken')).toBe(true);
    expect(existsSync(join(world.trees.dkmsTree, 'broken/1.0/build/make.log'))).toBe(true);
    expect(isTried('needs-broken')).toBe(false);
    expect(isTried('needs-blocked')).toBe(false);
    expect(ended.stdout).toMatch(/^ +broken_mod\.c:7:\d+: error: .missing_answer. undeclared/m);
  });

  it('defers what needs a module that nobody knows, and what needs that', () => {
    for (const release of releases) {
      expect(row('hopeful', release)).toMatch(/^ {2}deferred .*depends on nobody, which is not in the dkms tree$/);
      expect(row('hopeful-user', release)).toMatch(/^ {2}deferred .*depends on hopeful, which is deferred$/);
    }
    expect(isTried('hopeful') || isTried('hopeful-user')).toBe(false);
  });

  it('does not build AUTOINSTALL=no, and blocks what needs it', () => {
    for (const release of releases) {
      expect(row('manual', release)).toMatch(/^ {2}skipped .*AUTOINSTALL=no in its dkms\.conf$/);
      expect(row('manual-user', release)).toMatch(/^ {2}blocked .*depends on manual, which has AUTOINSTALL=no$/);
    }
    expect(isTried('manual') || isTried('manual-user')).toBe(false);
  });

  it('names the way round a circle and blocks only its members and those that need them', () => {
    for (const release of releases) {
      expect(row('ring-one', release)).toMatch(/^ {2}blocked .*: ring-one -> ring-two -> ring-one$/);
      expect(row('ring-two', release)).toMatch(/^ {2}blocked .*: ring-two -> ring-one -> ring-two$/);
      expect(row('ring-user', release)).toMatch(/^ {2}blocked .*not tried: ring-one failed$/);
    }
    expect(isTried('ring-one') || isTried('ring-two') || isTried('ring-user')).toBe(false);
  });

  it('refuses an object that was built for another kernel, and says for which', () => {
    expect(row('wrong', favourite)).toMatch(/^ {2}installed /);
    expect(row('wrong', neglected)).toMatch(/^ {2}FAILED .*built for another kernel: wrong\.ko$/);
    const detail = lines[lines.indexOf(row('wrong', neglected)) + 1] ?? '';
    expect(detail).toContain(`version magic '${favourite} `);
    expect(detail).toContain(` should be '${neglected} `);
    expect(existsSync(join(world.trees.dkmsTree, 'wrong/1.0', neglected))).toBe(false);
  });

  it('ends with 1 and puts the failures last, with what is missing', () => {
    expect(ended.code).toBe(1);
    const kinds = lines.flatMap((line) => /^ {2}(\w+) {2,}\S+\/\S+/.exec(line)?.[1] ?? []);
    const firstBad = kinds.findIndex((kind) => kind === 'blocked' || kind === 'FAILED');
    expect(kinds.slice(firstBad).every((kind) => kind === 'blocked' || kind === 'FAILED')).toBe(true);
    expect(kinds.lastIndexOf('blocked')).toBeLessThan(kinds.indexOf('FAILED'));
    for (const release of releases) {
      expect(lines.find((line) => line.includes(`modules are missing on ${release}: `))).toContain('broken, ');
    }
  });

  it('runs depmod once for each kernel, after all builds', () => {
    const isBuild = (line: string): boolean => / (installed in|FAILED after) /.test(line);
    const lastBuild = lines.reduce((last, line, index) => (isBuild(line) ? index : last), -1);
    for (const release of releases) {
      const found = lines.flatMap((line, index) => (line === `kmodsort: depmod ${release}` ? [index] : []));
      expect(found).toHaveLength(1);
      expect(found[0]).toBeGreaterThan(lastBuild);
    }
  });

  it('changes nothing while it only plans', () => {
    expect(Object.values(plans).map((plan) => plan.code)).toEqual([0, 0, 0, 0, 0]);
    expect(changedByPlans).toEqual([]);
  });

  it('plans in the order in which it then builds', () => {
    const planned = (plans.plan?.stdout ?? '').split('\n').filter((line) => /^ *\d+\. /.test(line));
    expect(plans['sync --dry-run']?.stdout).toBe(plans.plan?.stdout);
    const placeOf = (name: string, release: string): number =>
      planned.findIndex((line) => line.includes(` ${labelOf(name)} `) && line.includes(` ${release} `));
    for (const release of releases) {
      for (const name of sound) {
        for (const need of needs[name] ?? []) {
          expect({ name, need, before: placeOf(need, release) < placeOf(name, release) }).toEqual({
            name,
            need,
            before: true,
          });
          expect(planned[placeOf(name, release)]).toContain(labelOf(need));
        }
      }
    }
  });

  it('tells the plan to programs', () => {
    const plan: unknown = JSON.parse(plans['plan --json']?.stdout ?? '');
    expect(JSON.parse(plans['sync --dry-run --json']?.stdout ?? '')).toEqual(plan);
    expect(plan).toMatchObject({
      version: 1,
      kind: 'plan',
      plan: { jobs: expect.any(Array), settled: expect.any(Array) },
    });
    const dot = plans['plan --dot']?.stdout ?? '';
    for (const release of releases) {
      for (const [from, to] of [
        ['kilo', 'alfa'],
        ['tango', 'bravo'],
        ['aged', 'aged-user'],
      ]) {
        const arrow = new RegExp(
          `"${labelOf(from ?? '')}@${release.replaceAll('+', '\\+')}/\\w+" -> "${labelOf(to ?? '')}@`,
        );
        expect(dot).toMatch(arrow);
      }
    }
    expect(dot).toMatch(/^digraph \w+ \{\n(.*;\n)+\}\n$/);
  });

  it('has nothing to do again but for what may go better', async () => {
    const again = await world.kmodsort(['plan']);
    const jobs = again.stdout.split('\n').filter((line) => /^ *\d+\. /.test(line));
    const kept = jobs.filter((line) => !/ (broken|wrong)\/1\.0 |needs-broken|needs-blocked/.test(line));
    expect(kept).toEqual([]);
    // Its code must fail the same way.
    expect(jobs.some((line) => line.includes(' broken/1.0 '))).toBe(process.getuid?.() !== 0);
  });
});
