import { describe, expect, it } from 'vitest';
import {
  type InstalledObject,
  type KernelSymbol,
  loadProblem,
  loadProblems,
  type ObjectFacts,
} from '../../../../src/engine/install/load-check.ts';

const release = '6.1.0-1';
const vermagic = `${release} SMP mod_unload modversions `.trim();
const kernel = new Map<string, KernelSymbol>([
  ['printk', { crc: '0x01', object: 'vmlinux' }],
  ['misc_register', { crc: '0x02', object: 'vmlinux' }],
  ['old_call', { crc: '0x03', object: 'demo' }],
]);

const object = (name: string, facts: Partial<ObjectFacts> = {}): InstalledObject => ({
  name,
  facts: { vermagic, depends: [], undefined: [], imports: new Map(), exports: new Map(), ...facts },
});

const core = object('zeta_core', { exports: new Map([['zeta', '0xaa']]) });
const user = (facts: Partial<ObjectFacts>): InstalledObject =>
  object('user', {
    undefined: ['printk', 'zeta'],
    depends: ['zeta_core'],
    imports: new Map([
      ['printk', '0x01'],
      ['zeta', '0xaa'],
    ]),
    ...facts,
  });

describe('whether an object will load', () => {
  it.each<[string, InstalledObject, readonly InstalledObject[], RegExp | undefined]>([
    ['with what it was built against', user({}), [core], undefined],
    ['without anything that it needs', object('alone'), [], undefined],
    [
      'where the loader makes a symbol itself',
      object('alone', { undefined: ['_GLOBAL_OFFSET_TABLE_'] }),
      [],
      undefined,
    ],
    ['with a dependency whose name is written with dashes', user({ depends: ['zeta-core'] }), [core], undefined],
    ['for another kernel', object('alone', { vermagic: '6.2.0 SMP' }), [], /it is for "6\.2\.0 SMP", the kernel wants/],
    [
      'for the same release with other options',
      object('alone', { vermagic: `${release} SMP preempt` }),
      [],
      /the kernel wants/,
    ],
    ['without its dependency', user({}), [], /nobody exports zeta/],
    [
      'with another one',
      user({}),
      [object('zeta_core', { exports: new Map([['zeta', '0xbb']]) })],
      /another zeta \(CRC 0xaa\) than zeta_core exports \(CRC 0xbb\)/,
    ],
    [
      'with another kernel symbol',
      user({ imports: new Map([['printk', '0x99']]) }),
      [core],
      /another printk .* than the kernel exports/,
    ],
    [
      'when it does not name what it needs',
      user({ depends: [] }),
      [core],
      /uses zeta of zeta_core and does not name it/,
    ],
    [
      'with a symbol of a kernel module that one of ours has replaced',
      object('alone', { undefined: ['old_call'] }),
      [object('demo')],
      /nobody exports old_call/,
    ],
    ['on a kernel without MODVERSIONS', user({ imports: new Map() }), [core], undefined],
  ])('%s', (_title, one, others, problem) => {
    const found = loadProblem(one, release, vermagic, kernel, [one, ...others]);
    if (problem) expect(found).toMatch(problem);
    else expect(found).toBeUndefined();
  });

  it('goes by the release alone where there are no headers, or headers of another kernel', () => {
    expect(loadProblem(object('alone'), release, undefined, undefined, [])).toBeUndefined();
    expect(loadProblem(object('alone'), release, '6.9.9 SMP', undefined, [])).toBeUndefined();
    expect(loadProblem(object('alone', { vermagic: '6.9.9 SMP' }), release, '6.9.9 SMP', undefined, [])).toContain(
      'it is for',
    );
  });
});

describe('what will not load', () => {
  const top = object('top', { depends: ['user'] });
  const foreign = object('zeta_core', { vermagic: '6.2.0 SMP', exports: core.facts.exports });

  it('takes along all that needs it, from the far end of a chain too', () => {
    const found = loadProblems([top, user({ depends: ['zeta-core'] }), foreign], release, vermagic, kernel);
    expect([...found.keys()].map((one) => one.name).sort()).toEqual(['top', 'user', 'zeta_core']);
    expect([...found].find(([one]) => one === top)?.[1]).toBe('it needs user, which will not load');
  });
  it('leaves the others alone', () => {
    const found = loadProblems([object('alone'), foreign], release, vermagic, kernel);
    expect([...found.keys()]).toEqual([foreign]);
    expect(loadProblems([top, user({}), core], release, vermagic, kernel).size).toBe(0);
  });
});
