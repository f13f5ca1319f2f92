import type { StoreAnswer, StoredEntry } from '../answers.ts';
import type { StoreRequest } from '../request.ts';
import type { Settings } from '../settings.ts';
import { type StoredArtifact, statementOf, storedArtifacts } from '../store/artifacts.ts';
import { keptKeys, sweepStore, verifyStore } from '../store/sweep.ts';

/** The Store of builds: what is in it, and taking out what is damaged or too much. */

const entryOf =
  (stateDir: string, kept: ReadonlySet<string>) =>
  (one: StoredArtifact): StoredEntry => {
    const statement = statementOf(stateDir, one.name, one.key);
    return {
      name: one.name,
      key: one.key,
      bytes: one.bytes,
      used: new Date(one.usedMs).toISOString(),
      ...(statement
        ? {
            build: {
              module: statement.parts.module,
              kernel: statement.parts.kernel,
              built: statement.built,
              seconds: statement.seconds,
              ...(statement.by === undefined ? {} : { by: statement.by }),
            },
          }
        : {}),
      isKept: kept.has(one.key),
    };
  };

/** What goes is known by name before it goes. */
const gone = (before: readonly StoredEntry[], left: readonly StoredArtifact[]): StoredEntry[] =>
  before.filter(({ key }) => left.some((one) => one.key === key));

/** List the Store, bring it down to its limit, or look at every byte of it. */
export const store = (settings: Settings, { action }: StoreRequest): StoreAnswer => {
  const { stateDir, storeSize: limit } = settings;
  const before = storedArtifacts(stateDir).map(entryOf(stateDir, keptKeys(settings)));
  const went = action === 'list' ? [] : action === 'gc' ? sweepStore(settings) : verifyStore(stateDir);
  const now = storedArtifacts(stateDir);
  const bytes = now.reduce((sum, one) => sum + one.bytes, 0);
  return {
    kind: 'store',
    action,
    entries: action === 'list' ? [...before].reverse() : gone(before, went),
    bytes,
    limit,
    count: now.length,
  };
};
