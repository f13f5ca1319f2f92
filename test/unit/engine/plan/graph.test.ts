import { describe, expect, it } from 'vitest';
import { allNeedsOf, type Needs, orderOf } from '../../../../src/engine/plan/graph.ts';
import { closureOf, Random, randomNeeds } from '../../../random.ts';

const needsOf = (text: string): Needs =>
  new Map(
    text.split('\n').map((line) => [line.split(':')[0] ?? '', (line.split(':')[1] ?? '').split(' ').filter(Boolean)]),
  );

const comesAfterItsNeeds = (names: readonly string[], needs: Needs): boolean =>
  names.every((name, index) =>
    (needs.get(name) ?? []).every((need) => !names.includes(need) || names.indexOf(need) < index),
  );

describe('orderOf', () => {
  it('puts each name after what it needs, against the alphabet', () => {
    expect(orderOf(needsOf('a:b\nb:c\nc:')).names).toEqual(['c', 'b', 'a']);
  });
  it('gives the same order whatever the order of the names', () => {
    const forth = orderOf(needsOf('a:d\nb:d c\nc:\nd:c')).names;
    expect(orderOf(needsOf('d:c\nc:\nb:d c\na:d')).names).toEqual(forth);
  });
  it('ignores names that are not known', () => {
    expect(orderOf(needsOf('a:x b\nb:')).names).toEqual(['b', 'a']);
  });
  it.each([
    ['a:a', [['a', ['a', 'a']]]],
    [
      'a:b\nb:a',
      [
        ['a', ['a', 'b', 'a']],
        ['b', ['b', 'a', 'b']],
      ],
    ],
    [
      'a:b\nb:c\nc:a',
      [
        ['a', ['a', 'b', 'c', 'a']],
        ['b', ['b', 'c', 'a', 'b']],
        ['c', ['c', 'a', 'b', 'c']],
      ],
    ],
  ])('tells the way round each cycle of %j', (text, cycles) => {
    expect([...orderOf(needsOf(text)).cycles]).toEqual(cycles);
  });
  it('names the members of a cycle only, neither who needs it nor what it needs', () => {
    const order = orderOf(needsOf('needs:a\na:b needed\nb:a\nneeded:\nother:'));
    expect([...order.cycles.keys()]).toEqual(['a', 'b']);
    expect([...order.names].sort()).toEqual(['needed', 'needs', 'other']);
  });
  it('keeps two cycles apart, and tells the shortest way', () => {
    const { cycles } = orderOf(needsOf('a:b c\nb:a\nc:d\nd:c a'));
    expect(cycles.get('a')).toEqual(['a', 'b', 'a']);
    expect(cycles.get('d')).toEqual(['d', 'c', 'd']);
  });
  it('puts every name of a random graph after all its needs, and loses none', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new Random(seed);
      const needs = randomNeeds(random, 1 + random.below(25), random.next() * 0.4);
      const { names, cycles } = orderOf(needs);
      expect({ seed, names: [...names].sort(), cycles: cycles.size }).toEqual({
        seed,
        names: [...needs.keys()].sort(),
        cycles: 0,
      });
      expect({ seed, ordered: comesAfterItsNeeds(names, needs) }).toEqual({ seed, ordered: true });
    }
  });
  it('finds in a random graph with cycles exactly the names that need themselves', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new Random(seed);
      const needs = randomNeeds(random, 2 + random.below(12), 0.2);
      const names = [...needs.keys()];
      for (const name of names)
        if (random.chance(0.2)) needs.get(name)?.push(names[random.below(names.length)] ?? name);
      const order = orderOf(needs);
      const expected = names.filter((name) => closureOf(needs, name).has(name)).sort();
      expect({ seed, cycles: [...order.cycles.keys()].sort() }).toEqual({ seed, cycles: expected });
      for (const [name, way] of order.cycles) {
        expect([way[0], way.at(-1)]).toEqual([name, name]);
        expect(way.slice(1).every((step, index) => needs.get(way[index] ?? '')?.includes(step))).toBe(true);
      }
      expect(comesAfterItsNeeds(order.names, needs)).toBe(true);
    }
  });
});

describe('allNeedsOf', () => {
  it('tells direct and indirect needs, each after its own', () => {
    const needs = needsOf('a:b\nb:c d\nc:d\nd:\ne:');
    expect(allNeedsOf(needs, 'a')).toEqual(['d', 'c', 'b']);
    expect(allNeedsOf(needs, 'e')).toEqual([]);
    expect(allNeedsOf(needs, 'unknown')).toEqual([]);
  });
  it('comes to an end in a cycle', () => {
    expect(allNeedsOf(needsOf('a:b\nb:a'), 'a')).toContain('b');
  });
});
