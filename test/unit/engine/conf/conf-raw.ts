import type { RawConf } from '../../../../src/engine/conf/directives.ts';

/** A conf as bash leaves it, out of `NAME` or `NAME[index]` and values; `match:NAME` says whether a pattern matched. */
export const rawOf = (given: Readonly<Record<string, string>>): RawConf => {
  const values = new Map<string, Map<number, string>>();
  const matches = new Map<string, Map<number, string>>();
  for (const [key, value] of Object.entries(given)) {
    const [, match, name = key, index = '0'] = /^(match:)?(.*?)(?:\[(\d+)\])?$/.exec(key) ?? [];
    const into = match ? matches : values;
    into.set(name, (into.get(name) ?? new Map()).set(Number(index), value));
  }
  return { values, matches };
};
