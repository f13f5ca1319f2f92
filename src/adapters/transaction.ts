import type { Environment } from '../engine/settings.ts';
import { type Ancestor, lineage } from '../engine/system/proc.ts';
import type { HookCall } from './hook-request.ts';

/** Which run of a package manager a hook is part of. */

/** One run of a package manager, from its first hook to its last. */
export interface Transaction {
  /** No other run has it. */
  readonly id: string;
  /** apt says at its end what failed (DPkg::Post-Invoke), after the last hook. */
  readonly saysAtEnd: boolean;
}

const rpmManagers = /^(rpm|dnf.*|yum|microdnf|zypper|packagekitd|rpm-ostree)$/;

const idOf = ({ pid, start }: Ancestor): string => `${pid}:${start}`;

/**
 * Whose hook this is. apt starts dpkg several times; it tells it so by DPKG_FRONTEND_LOCKED, for it holds the lock
 * itself (dpkg(1)).
 *
 * @param above the processes above this one, the next one first
 */
export const transactionIn = (above: readonly Ancestor[], environment: Environment): Transaction | undefined => {
  const dpkg = above.findLastIndex(({ name }) => name === 'dpkg');
  const apt = above[dpkg + 1];
  if (dpkg >= 0 && apt && environment.DPKG_FRONTEND_LOCKED) return { id: idOf(apt), saysAtEnd: true };
  const manager = above[dpkg] ?? above.findLast(({ name }) => rpmManagers.test(name));
  return manager && { id: idOf(manager), saysAtEnd: false };
};

/** The transaction of this process. */
export const ownTransaction = (environment: Environment): Transaction | undefined =>
  transactionIn(lineage(process.pid).slice(1), environment);

/** After these no other hook comes: pacman has one, rpm its file triggers, dpkg the trigger that it processes last. */
export const isLastHook = ({ manager, words: [word] }: HookCall, { saysAtEnd }: Transaction): boolean =>
  manager === 'pacman' || word === 'files-in' || (word === 'trigger' && !saysAtEnd);
