import { describe, expect, it } from 'vitest';
import {
  type InstalledObject,
  loadProblem,
  loadProblems,
  type ObjectFacts,
  type Surroundings,
  uncheckedSymbols,
} from '../../../../src/engine/install/load-rules.ts';
import type { KernelSymbol } from '../../../../src/engine/kernel/symvers.ts';
import type { Problem } from '../../../../src/engine/problems.ts';
import { problemSentence } from '../../../../src/report/problems.ts';

const release = '6.1.0-1';
const plainMagic = `${release} SMP mod_unload`;
const vermagic = `${plainMagic} modversions`;
const kernelSymbols = new Map<string, KernelSymbol>([
  ['module_layout', { crc: '0x0f', object: 'vmlinux' }],
  ['printk', { crc: '0x01', object: 'vmlinux' }],
  ['old_call', { crc: '0x03', object: 'old-demo' }],
]);

const object = (name: string, facts: Partial<ObjectFacts> = {}, module = name): InstalledObject => ({
  name,
  module,
  facts: { vermagic, undefined: [], imports: new Map(), exports: new Map(), signed: false, ...facts },
});

/** With a CRC of each symbol that it uses; what has none in a pair of its own has been built without it. */
const using = (name: string, ...symbols: readonly (readonly [symbol: string, crc?: string])[]): InstalledObject => {
  const known = symbols.flatMap(([symbol, crc]) => (crc === undefined ? [] : [[symbol, crc] as const]));
  return object(name, { undefined: symbols.map(([symbol]) => symbol), imports: new Map(known) });
};

const exporting = (name: string, symbol: string, crc: string, module = name): InstalledObject =>
  object(name, { exports: new Map([[symbol, crc]]) }, module);

/** The same on a kernel without MODVERSIONS, where nobody has CRCs. */
const unversioned = ({ name, module, facts }: InstalledObject): InstalledObject => ({
  name,
  module,
  facts: {
    ...facts,
    vermagic: plainMagic,
    imports: new Map(),
    exports: new Map([...facts.exports.keys()].map((symbol) => [symbol, '0x00000000'])),
  },
});

const around = (ours: readonly InstalledObject[], other: Partial<Surroundings> = {}): Surroundings => ({
  release,
  vermagic,
  kernelSymbols,
  ours,
  ...other,
});

/** Called base.ko when gear.ko was built with it. */
const base = exporting('nice-current-base', 'base_turn', '0xaa', 'nice');
const otherBase = exporting('nice-current-base', 'base_turn', '0xbb', 'nice');
const gear = using('gear', ['printk', '0x01'], ['base_turn', '0xaa']);
const withoutCrc = using('gear', ['printk', '0x01'], ['base_turn']);

interface Case {
  readonly title: string;
  readonly object: InstalledObject;
  readonly others?: readonly InstalledObject[];
  readonly problem?: string;
}

const cases: readonly Case[] = [
  { title: 'without anything that it needs', object: object('alone') },
  { title: 'with what it was built against, whatever its name is now', object: gear, others: [base] },
  {
    title: 'for another kernel',
    object: object('alone', { vermagic: '6.2.0 SMP' }),
    problem: `version magic '6.2.0 SMP' should be '${vermagic}'`,
  },
  { title: 'without its dependency', object: gear, problem: 'Unknown symbol base_turn: nothing exports it' },
  {
    title: 'with another dependency than it was built with',
    object: gear,
    others: [otherBase],
    problem: 'disagrees about version of symbol base_turn (built for CRC 0xaa, nice-current-base has 0xbb)',
  },
  { title: 'where one of two has what it was built with', object: gear, others: [otherBase, base] },
  {
    title: 'with another symbol of the kernel',
    object: using('alone', ['printk', '0x99']),
    problem: 'disagrees about version of symbol printk (built for CRC 0x99, the kernel has 0x01)',
  },
  {
    title: 'for another layout of the data of a module',
    object: object('alone', { imports: new Map([['module_layout', '0x0e']]) }),
    problem: 'disagrees about version of symbol module_layout (built for CRC 0x0e, the kernel has 0x0f)',
  },
  { title: 'for this layout', object: object('alone', { imports: new Map([['module_layout', '0x0f']]) }) },
  {
    title: 'without the symbols of another module',
    object: withoutCrc,
    others: [base],
    problem:
      'no symbol version for base_turn: it was built without the symbols of nice-current-base, name nice in BUILD_DEPENDS',
  },
  {
    title: 'without the symbols of an object of its own module',
    object: withoutCrc,
    others: [exporting('base', 'base_turn', '0xaa', 'gear')],
    problem: 'no symbol version for base_turn: it was built without the symbols of base',
  },
  {
    title: 'without the symbols of the kernel',
    object: using('alone', ['printk']),
    problem: "no symbol version for printk: it was built without the kernel's Module.symvers",
  },
  ...['_GLOBAL_OFFSET_TABLE_', '.TOC.', '__this_module'].map((symbol) => ({
    title: `with ${symbol}, which the loader makes`,
    object: using('alone', [symbol]),
  })),
  { title: 'with a symbol of a module of the kernel', object: using('alone', ['old_call', '0x03']) },
  {
    title: 'with a symbol of a module of the kernel that one of ours has replaced',
    object: using('alone', ['old_call', '0x03']),
    others: [object('another'), object('old_demo')],
    problem: 'Unknown symbol old_call: nothing exports it',
  },
  {
    title: 'with a symbol that both the kernel and one of ours have, as the kernel has it',
    object: using('alone', ['old_call', '0x03']),
    others: [exporting('newer', 'old_call', '0x33')],
  },
  {
    title: 'with a symbol that both the kernel and one of ours have, as ours has it',
    object: using('alone', ['old_call', '0x33']),
    others: [exporting('newer', 'old_call', '0x33')],
  },
  {
    title: "with a symbol of the kernel's image that one of ours has too: the image comes first",
    object: using('alone', ['printk', '0x11']),
    others: [exporting('newer', 'printk', '0x11')],
    problem: 'disagrees about version of symbol printk (built for CRC 0x11, the kernel has 0x01)',
  },
  {
    title: 'and the first symbol that is wrong is named',
    object: using('alone', ['printk', '0x01'], ['one', '0x11'], ['two', '0x22']),
    problem: 'Unknown symbol one: nothing exports it',
  },
];

describe('what stands around an object', () => {
  const vid = using('vid', ['old_call', '0x03'], ['printk', '0x01']);
  const foreign = (crc: string) => new Map([['old_call', ['0x99', crc]]]);
  const without = { hasModule: (name: string) => name !== 'old_demo' };
  it.each<[string, Partial<Surroundings>, string | undefined]>([
    ["has a symbol in a module of the kernel's own", { hasModule: () => true }, undefined],
    [
      "has it in one of the kernel's own that is not installed",
      without,
      'Unknown symbol old_call: the module old-demo of this kernel exports it, and is not installed',
    ],
    ['has it in one that somebody else has installed', { ...without, foreign: foreign('0x03') }, undefined],
    [
      'has it in another version only',
      { ...without, foreign: foreign('0x04') },
      'disagrees about version of symbol old_call (built for CRC 0x03, the kernel has 0x99)',
    ],
    [
      'takes signed modules only',
      { onlySigned: true },
      'Required key not available: it is not signed, and this kernel loads signed modules only',
    ],
    ['takes any', { onlySigned: false }, undefined],
  ])('%s', (_what, other, problem) => {
    expect(said(loadProblem(vid, around([vid], other)))).toBe(problem);
  });
  it('takes what is signed', () => {
    const signed = object('vid', { signed: true });
    expect(loadProblem(signed, around([signed], { onlySigned: true }))).toBeUndefined();
  });
});

const said = (problem: Problem | undefined): string | undefined => problem && problemSentence(problem);

describe('whether an object will load', () => {
  it.each(cases)('$title', ({ object: one, others = [], problem }) => {
    expect(said(loadProblem(one, around([one, ...others])))).toBe(problem);
  });
});

describe('whether an object will load on a kernel without MODVERSIONS', () => {
  it.each<[string, InstalledObject, readonly InstalledObject[], string | undefined]>([
    ['with what it was built against', gear, [base], undefined],
    ['without the symbols of another module, which nobody asks for', withoutCrc, [base], undefined],
    ['without its dependency', gear, [], 'Unknown symbol base_turn: nothing exports it'],
  ])('%s', (_title, one, others, problem) => {
    const ours = [one, ...others].map(unversioned);
    expect(said(loadProblem(unversioned(one), around(ours, { vermagic: plainMagic })))).toBe(problem);
  });
});

describe('what is known without headers', () => {
  const nothing = { vermagic: undefined, kernelSymbols: undefined };
  const foreign = { ...base, facts: { ...base.facts, vermagic: '6.2.0 SMP modversions' } };

  it('is the release', () => {
    expect(said(loadProblem(gear, around([gear], nothing)))).toBeUndefined();
    expect(said(loadProblem(foreign, around([foreign], nothing)))).toBe(
      `version magic '6.2.0 SMP modversions' should be '${release}'`,
    );
  });

  it('is what needs an object of another release', () => {
    const found = loadProblems(around([gear, foreign], nothing));
    expect(said(found.get(gear))).toBe('it needs nice-current-base, which will not load');
  });
});

describe('what will not load', () => {
  const foreign = { ...base, facts: { ...base.facts, vermagic: '6.2.0 SMP modversions' } };
  const middle: InstalledObject = { ...gear, facts: { ...gear.facts, exports: new Map([['gear_turn', '0xcc']]) } };
  const top = using('top', ['printk', '0x01'], ['gear_turn', '0xcc']);

  const problems = (...ours: readonly InstalledObject[]): Record<string, string> =>
    Object.fromEntries([...loadProblems(around(ours))].map(([{ name }, problem]) => [name, problemSentence(problem)]));

  const ofForeign = { 'nice-current-base': `version magic '6.2.0 SMP modversions' should be '${vermagic}'` };

  it('takes along all that gets symbols from it, from the far end of a chain too', () => {
    expect(problems(top, middle, foreign)).toEqual({
      ...ofForeign,
      gear: 'it needs nice-current-base, which will not load',
      top: 'it needs gear, which will not load',
    });
  });

  it('keeps its own reason where it has one', () => {
    const user = using('user', ['base_turn', '0xaa'], ['nobodys', '0x77']);
    expect(problems(foreign, user)).toEqual({ ...ofForeign, user: 'Unknown symbol nobodys: nothing exports it' });
  });

  it('leaves the others alone', () => {
    expect(problems(object('alone'), using('other', ['printk', '0x01']), foreign)).toEqual(ofForeign);
    expect(problems(top, middle, base)).toEqual({});
  });

  it('leaves alone what only uses the name of an object as it was before', () => {
    const namesake = exporting('base', 'other_turn', '0xdd');
    const broken = { ...namesake, facts: { ...namesake.facts, vermagic: '6.2.0 SMP modversions' } };
    expect(Object.keys(problems(broken, base, gear))).toEqual(['base']);
  });

  it('leaves alone what gets the symbol elsewhere', () => {
    const second = exporting('second', 'base_turn', '0xaa');
    expect(problems(foreign, second, gear)).toEqual(ofForeign);
    const kernels = exporting('newer', 'old_call', '0x03');
    const broken = { ...kernels, facts: { ...kernels.facts, vermagic: '6.2.0 SMP modversions' } };
    expect(Object.keys(problems(broken, using('user', ['old_call', '0x03'])))).toEqual(['newer']);
  });

  it('takes along what could get the symbol elsewhere, but not as it was built with', () => {
    const other = exporting('other', 'base_turn', '0xbb');
    expect(problems(foreign, other, gear)).toEqual({
      ...ofForeign,
      gear: 'it needs nice-current-base, which will not load',
    });
  });

  it('takes along what has nobody left to get the symbol from', () => {
    const second = { ...foreign, name: 'second' };
    expect(problems(foreign, second, gear)).toMatchObject({ gear: 'it needs nice-current-base, which will not load' });
    const relay = using('relay', ['nobodys_turn', '0xee']);
    const bottom = exporting('bottom', 'nobodys_turn', '0xee');
    const relaying = { ...relay, facts: { ...relay.facts, exports: base.facts.exports } };
    const broken = { ...bottom, facts: { ...bottom.facts, vermagic: '6.2.0 SMP modversions' } };
    expect(problems(gear, foreign, relaying, broken)).toMatchObject({ gear: 'it needs relay, which will not load' });
    expect(problems(gear, foreign, relaying, bottom)).toEqual(ofForeign);
  });

  it('goes by symbols on a kernel without MODVERSIONS too', () => {
    const ours = [
      unversioned(gear),
      { ...unversioned(base), facts: { ...unversioned(base).facts, vermagic: '6.2.0' } },
    ];
    const found = loadProblems(around(ours, { vermagic: plainMagic }));
    expect([...found.values()].map(said)).toEqual([
      `version magic '6.2.0' should be '${plainMagic}'`,
      'it needs nice-current-base, which will not load',
    ]);
  });
});

describe('without headers', () => {
  const partial = (...ours: readonly InstalledObject[]): Surroundings => around(ours, { isPartial: true });
  const unknown = using('unknown', ['printk', '0x01'], ['nobodys', '0x77']);

  it('takes a symbol that nobody here knows for one of the kernel, and says that it is not checked', () => {
    expect(loadProblem(unknown, partial(unknown))).toBeUndefined();
    expect(uncheckedSymbols(unknown, partial(unknown))).toEqual(['nobodys']);
    expect(uncheckedSymbols(unknown, around([unknown]))).toEqual([]);
  });

  it('still minds the CRCs of those that are known', () => {
    const wrong = using('wrong', ['printk', '0x99'], ['nobodys', '0x77']);
    expect(loadProblem(wrong, partial(wrong))).toMatchObject({ problem: 'symbol-version', symbol: 'printk' });
  });

  it('minds the CRCs also where nobody has read the names of symbols', () => {
    const named = using('wrong', ['printk', '0x99']);
    const wrong = { ...named, facts: { ...named.facts, undefined: [] } };
    expect(loadProblem(wrong, partial(wrong))).toMatchObject({ problem: 'symbol-version', symbol: 'printk' });
  });

  it('knows those of other modules, and of what is installed beside', () => {
    expect(uncheckedSymbols(gear, partial(base, gear))).toEqual([]);
    expect(uncheckedSymbols(gear, partial(gear))).toEqual(['base_turn']);
    expect(uncheckedSymbols(gear, { ...partial(gear), foreign: new Map([['base_turn', ['0xaa']]]) })).toEqual([]);
    expect(loadProblem(gear, partial(otherBase, gear))).toMatchObject({
      problem: 'symbol-version',
      symbol: 'base_turn',
    });
  });
});
