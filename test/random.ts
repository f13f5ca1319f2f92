/** A small seeded generator (Mulberry32): a test that fails once fails again with the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}

/** Names whose order in the alphabet says nothing, each with some of those made before it. */
export const randomNeeds = (random: Random, size: number, density: number): Map<string, string[]> => {
  const names = random.shuffled(Array.from({ length: size }, (_, index) => `m${String(index).padStart(2, '0')}`));
  const needs = names.map((name, index): [string, string[]] => [
    name,
    names.slice(0, index).filter(() => random.chance(density)),
  ]);
  return new Map(random.shuffled(needs));
};

/** All that a name needs in the end. */
export const closureOf = (needs: ReadonlyMap<string, readonly string[]>, name: string): Set<string> => {
  const found = new Set<string>();
  const visit = (one: string): void => {
    for (const need of needs.get(one) ?? []) {
      if (found.has(need)) continue;
      found.add(need);
      visit(need);
    }
  };
  visit(name);
  return found;
};
