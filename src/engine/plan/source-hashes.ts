import type { Asked } from '../conf/module-confs.ts';
import type { Failure } from '../errors.ts';
import { type Contents, contentsOf } from '../key/contents.ts';
import type { Memory } from '../run/run.ts';
import { lookOr } from '../system/look.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { factsHash, type TreeFacts, treeFacts } from '../tree/tree-facts.ts';

/** The sources of Modules, each looked at once, however many Kernels there are. */

export interface Sources {
  /** Of what stands there, less what the last build wrote; empty where it cannot be looked at. */
  readonly hashOf: (asked: Asked) => string;
  /** The same as earlier versions of ours remembered it. */
  readonly earlierOf: (asked: Asked) => string;
  /** Bytes that a compiler has to read. */
  readonly sizeOf: (entry: TreeEntry) => number;
  readonly unreadable: ReadonlyMap<TreeEntry, Failure>;
}

/** What stands in a source. */
export const sourceContents = (memory: Memory, source: string, facts: TreeFacts): Contents | undefined =>
  facts && contentsOf(memory, [{ label: '', at: source, facts }]);

const sizeOf = (facts: TreeFacts): number => {
  const sizes = [...(facts ?? [])].map(([path, { size }]) => (/\.(c|h|S|cc|cpp|rs)$/.test(path) ? size : 0));
  return sizes.reduce((sum, size) => sum + size, 0);
};

/** The hash of each source, and why some cannot be read. */
export const sourcesOf = (memory: Memory, entries: readonly TreeEntry[]): Sources => {
  const unreadable = new Map<TreeEntry, Failure>();
  const look = (entry: TreeEntry): TreeFacts =>
    lookOr(
      () => (entry.broken ? undefined : treeFacts(entry.source)),
      (why) => {
        unreadable.set(entry, why);
        return undefined;
      },
    );
  const facts = new Map(entries.map((entry) => [entry, look(entry)]));
  const contents = new Map(
    [...facts].map(([entry, found]) => [entry, sourceContents(memory, entry.source, found)] as const),
  );
  const writesOf = ({ record }: Asked): readonly string[] => record.build?.writes ?? [];
  return {
    hashOf: (asked) => contents.get(asked.entry)?.hashWithout(writesOf(asked)) ?? '',
    earlierOf: (asked) => factsHash(facts.get(asked.entry), writesOf(asked)),
    sizeOf: (entry) => sizeOf(facts.get(entry)),
    unreadable,
  };
};
