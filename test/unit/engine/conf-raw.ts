import type { RawConf } from '../../../src/engine/conf-reader.ts';

/** A conf as bash leaves it, out of `NAME` or `NAME[index]` and values. */
export const rawOf = (values: Readonly<Record<string, string>>): RawConf => {
  const raw = new Map<string, Map<number, string>>();
  for (const [key, value] of Object.entries(values)) {
    const [, name = key, index = '0'] = /^(.*)\[(\d+)\]$/.exec(key) ?? [];
    raw.set(name, (raw.get(name) ?? new Map()).set(Number(index), value));
  }
  return raw;
};
