import { DepGraph } from 'dependency-graph';
import { byBytes } from '../system/files.ts';

/** Names, and for each the names that must come before it. Names that are not keys are ignored here. */
export type Needs = ReadonlyMap<string, readonly string[]>;

export interface Order {
  /** Every name outside a cycle, each after all that it needs. */
  readonly names: readonly string[];
  /** For each name that needs itself in the end: the way round, itself first and last. */
  readonly cycles: ReadonlyMap<string, readonly string[]>;
}

const graphOf = (needs: Needs, keep: (name: string) => boolean): DepGraph<string> => {
  const graph = new DepGraph<string>({ circular: true });
  const names = [...needs.keys()].filter(keep).sort(byBytes);
  for (const name of names) graph.addNode(name, name);
  for (const name of names) {
    for (const need of needs.get(name) ?? []) if (graph.hasNode(need)) graph.addDependency(name, need);
  }
  return graph;
};

/** The shortest way from a name back to itself, breadth first. */
const wayRound = (graph: DepGraph<string>, start: string): string[] | undefined => {
  const from = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const need of graph.directDependenciesOf(name)) {
      if (need === start) {
        const way = [start];
        for (let step = name; step !== start; step = from.get(step) ?? start) way.unshift(step);
        return [start, ...way];
      }
      if (from.has(need)) continue;
      from.set(need, name);
      queue.push(need);
    }
  }
  return undefined;
};

/** Sort names so that each comes after what it needs; names in a cycle are told apart, with the way round. */
export const orderOf = (needs: Needs): Order => {
  const whole = graphOf(needs, () => true);
  const cycles = new Map<string, readonly string[]>();
  for (const name of needs.keys()) {
    const way = wayRound(whole, name);
    if (way) cycles.set(name, way);
  }
  return { names: graphOf(needs, (name) => !cycles.has(name)).overallOrder(), cycles };
};

/** All that a name needs, directly or not, each after what it needs itself. A cycle is walked once. */
export const allNeedsOf = (needs: Needs, name: string): string[] =>
  needs.has(name) ? graphOf(needs, () => true).dependenciesOf(name) : [];
