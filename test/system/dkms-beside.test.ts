import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended } from '../child.ts';
import { repository } from '../kernels.ts';
import { packagedSource } from '../module-packages.ts';
import { run } from '../packages.ts';
import {
  aptWell,
  bareMachine,
  headers,
  image,
  kmodsortMachine,
  older,
  provision,
  releases,
  stopMachines,
} from './apt-machine.ts';
import { headersPackage, imagePackage } from './debs.ts';
import type { Machine } from './machine.ts';

/** Debian's dkms and ours on machines of their own, given the same modules: what each makes of them. */

const kernel = older.release;

/** Real packages of different make styles, and fixtures for what they leave out. */
const packaged = [
  'acpi-call-dkms',
  'bbswitch-dkms',
  'dm-writeboost-dkms',
  'lime-forensics-dkms',
  'nat-rtsp-dkms',
  'tp-smapi-dkms',
  'vpoll-dkms',
  'west-chamber-dkms',
  'xtables-addons-dkms',
  'gost-crypto-dkms',
];
/** Dozens of objects: compared with one dkms only. */
const large = { name: 'xtables-addons', release: 'bookworm' };
const fixtures = ['zeta-core', 'lonely', 'loops', 'twice', 'patched', 'scripted', 'broken'];

interface Given {
  readonly name: string;
  readonly version: string;
}

const sources = (): (Given & { readonly from: string })[] => [
  ...packaged.map((name) => {
    const source = packagedSource(name);
    return { ...source, from: source.directory };
  }),
];

/** The trees of a machine that dkms works in, its paths with what differs by nature taken out. */
const treeOf = async (machine: Machine, { name }: Given): Promise<string[]> => {
  const { stdout } = await machine.sh(
    `cd /var/lib/dkms 2>/dev/null && find ${name} -path '*/build/*' -prune -o \\( -type f -o -type l \\) -print | sort`,
  );
  return stdout.split('\n').filter((path) => path && !knownExtra.test(path));
};

/**
 * Where 3.0.10 is older than what we keep to: 3.4 keeps Module.symvers for dependents, and no copy of the kernel's
 * configuration beside the log.
 */
const knownExtra = /\/Module\.symvers$|\/log\/\.config$/;

const installed = async (machine: Machine, objects: readonly string[]): Promise<string[]> => {
  const found: string[] = [];
  for (const object of objects) {
    const path = (await machine.sh(`find /usr/lib/modules/${kernel} -name '${object}.ko*'`)).stdout.trim();
    const fields = ['vermagic', 'depends', 'license', 'parm', 'alias'].map(
      (field) => `printf '${field}: '; modinfo -F ${field} ${path} | tr '\\n' ';'; echo`,
    );
    found.push(`${path}\n${path ? (await machine.sh(fields.join('; '))).stdout : ''}`);
  }
  return found;
};

const objectsIn = (tree: readonly string[]): string[] =>
  tree.flatMap((path) => /\/module\/(.+)\.ko/.exec(path)?.[1] ?? []);

/** A status line of 3.0.10 and of 3.4 say the same in other punctuation. */
const status = async (machine: Machine, { name, version }: Given): Promise<string> =>
  (await machine.run(['dkms', 'status', `${name}/${version}`])).stdout.replace(/^([^/\s,]+), (\d)/gm, '$1/$2');

/** As its conf says it. */
const fixtureVersion = (name: string): string =>
  run('bash', ['-c', `. ${repository}/test/fixtures/${name}/dkms.conf >/dev/null 2>&1; echo $PACKAGE_VERSION`]).trim();

const words = ({ name, version }: Given): string[] => ['-m', name, '-v', version, '-k', kernel];

describe.skipIf(!provision).each(releases)('beside dkms on %s', (release) => {
  let theirs: Machine;
  let ours: Machine;

  beforeAll(async () => {
    const packages = [imagePackage(kernel), headersPackage(older)];
    [theirs, ours] = await Promise.all([bareMachine(release, ...packages), kmodsortMachine(release, ...packages)]);
    await theirs.sh('apt-get -q -y install /var/cache/debs/dkms_*.deb');
    for (const machine of [theirs, ours]) await aptWell(machine, 'install', image(older), headers(older));
    for (const machine of [theirs, ours]) {
      for (const { from } of sources()) machine.bring(from, '/usr/src');
      for (const fixture of fixtures) machine.bring(`${repository}/test/fixtures/${fixture}`, '/tmp');
      for (const fixture of fixtures) {
        await machine.sh(`cp -a /tmp/${fixture} /usr/src/${fixture}-${fixtureVersion(fixture)}`);
      }
    }
  });

  afterAll(stopMachines);

  const both = (...argv: string[]): Promise<[Ended, Ended]> =>
    Promise.all([theirs.run(['dkms', ...argv]), ours.run(['dkms', ...argv])]);

  const given: Given[] = provision
    ? [
        ...sources().filter(({ name }) => name !== large.name || release === large.release),
        ...fixtures.map((name) => ({ name, version: fixtureVersion(name) })),
      ]
    : [];

  it.each(given)(
    'beside: $name is added, built and installed by both with the same files and facts',
    async (module) => {
      const [addedThere, addedHere] = await both('add', '-m', module.name, '-v', module.version);
      expect(addedHere.code).toBe(addedThere.code);
      const [there, here] = await both('install', ...words(module));
      expect({ installed: here.code === 0, said: here.code === 0 ? '' : here.stdout }).toMatchObject({
        installed: there.code === 0,
      });
      const [treeThere, treeHere] = [await treeOf(theirs, module), await treeOf(ours, module)];
      expect(treeHere).toEqual(treeThere);
      expect(await status(ours, module)).toBe(await status(theirs, module));
      const objects = objectsIn(treeThere);
      expect(await installed(ours, objects)).toEqual(await installed(theirs, objects));
      if (here.code !== 0)
        expect(here.stdout).toMatch(
          /FAILED +[\s\S]*(error: |undefined!|excluded on this kernel|did not produce an object)/,
        );
    },
  );

  it('beside: at least eight of the real ones are installed by both', async () => {
    const names = packaged.map((name) => packagedSource(name).name);
    const counts = await Promise.all(
      [theirs, ours].map(async (machine) => {
        const { stdout } = await machine.run(['dkms', 'status']);
        return names.filter((name) => new RegExp(`^${name}[/,].*: installed`, 'm').test(stdout)).length;
      }),
    );
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(8);
  });
});
