import type { Asked } from '../conf/module-confs.ts';
import type { Failure } from '../errors.ts';
import { lookOr } from '../system/look.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { factsHash, type TreeFacts, treeFacts } from '../tree/tree-facts.ts';

/** The sources of Modules, each looked at once, however many Kernels there are. */

interface Sources {
  readonly hashOf: (asked: Asked) => string;
  readonly unreadable: ReadonlyMap<TreeEntry, Failure>;
}

/** The hash of each source, and why some cannot be read. */
export const sourcesOf = (entries: readonly TreeEntry[]): Sources => {
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
  const whole = new Map([...facts].map(([entry, found]) => [entry, factsHash(found)]));
  const hashOf = ({ entry, record }: Asked): string => {
    const writes = record.build?.writes;
    return writes ? factsHash(facts.get(entry), writes) : (whole.get(entry) ?? '');
  };
  return { hashOf, unreadable };
};
