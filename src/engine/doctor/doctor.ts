import type { DoctorEntry } from '../answers.ts';
import { type Failure, failureOf } from '../errors.ts';
import { checkAccess } from './access.ts';
import { checkBoot } from './boot.ts';
import { checkEntries } from './entries.ts';
import { checkHooks } from './hooks.ts';
import { checkInstalled } from './installed.ts';
import { checkInterrupted } from './interrupted.ts';
import { checkKernels } from './kernels.ts';
import { checkKeys } from './keys.ts';
import { checkMemory } from './memory.ts';
import { checkPackage } from './package.ts';
import { checkRecords } from './records.ts';
import { checkRemarks, checkWaiting } from './remarks.ts';
import { checkSettings } from './settings.ts';
import { checkStore } from './store.ts';
import type { Check, Found, View } from './view.ts';

/** All checks, and the repair of what they find. */

/** In the order in which they are told, and repaired. */
const checks: readonly Check[] = [
  checkInterrupted,
  checkEntries,
  checkKernels,
  checkInstalled,
  checkRecords,
  checkMemory,
  checkStore,
  checkAccess,
  checkKeys,
  checkHooks,
  checkPackage,
  checkBoot,
  checkSettings,
  checkWaiting,
  checkRemarks,
];

/** What was found, and what could not be looked at. */
export interface Examination {
  readonly found: readonly Found[];
  readonly failures: readonly Failure[];
}

/** Look at everything. What one check cannot look at keeps no other from looking. */
export const examine = async (view: View): Promise<Examination> => {
  const found: Found[] = [];
  const failures: Failure[] = [];
  for (const check of checks) {
    try {
      found.push(...(await check(view)));
    } catch (error) {
      failures.push(failureOf(error));
    }
  }
  return { found, failures };
};

const idOf = ({ diagnosis: { code, path } }: Found): string => `${code}\0${path}`;

/** What was found, nothing repaired. */
export const asFound = (found: readonly Found[]): DoctorEntry[] =>
  found.map(({ diagnosis, repair }) => ({ diagnosis, canRepair: repair !== undefined }));

/** One code at a time, for a repair may settle what another would repair; depmod when nothing else changes a kernel. */
const inTurn = (open: readonly Found[]): readonly Found[] => {
  const [first] = open.filter(({ diagnosis }) => diagnosis.code !== 'due-open');
  return first ? open.filter(({ diagnosis }) => diagnosis.code === first.diagnosis.code) : open;
};

/** What a repair has made due, and another one has settled, is none of the user's business. */
const isOwnFollowUp = ({ diagnosis: { code } }: Found): boolean => code === 'due-open' || code === 'due-left';

/** One repair may bring to light what another has to repair; more turns than this it never takes. */
const mostTurns = 50;

/**
 * Repair what can be, and look again: only what is not found any more counts as repaired.
 *
 * @param before what was found before the lock was had
 * @param look a new view of everything
 */
export const cure = async (
  before: readonly Found[],
  look: () => View,
): Promise<{ readonly entries: readonly DoctorEntry[]; readonly failures: readonly Failure[] }> => {
  const all = new Map(before.map((one) => [idOf(one), one]));
  const failed = new Map<string, Failure>();
  const tried = new Set<string>();
  let now = await examine(look());
  const first = new Set([...before, ...now.found].map(idOf));
  for (let turn = 0; turn < mostTurns; turn++) {
    for (const one of now.found) if (!all.has(idOf(one))) all.set(idOf(one), one);
    const open = now.found.filter((one) => one.repair && !tried.has(idOf(one)));
    if (open.length === 0) break;
    for (const one of inTurn(open)) {
      tried.add(idOf(one));
      try {
        await one.repair?.();
      } catch (error) {
        failed.set(idOf(one), failureOf(error));
      }
    }
    now = await examine(look());
  }
  const left = new Set(now.found.map(idOf));
  const told = [...all].filter(([id, one]) => first.has(id) || left.has(id) || !isOwnFollowUp(one));
  const entries = told.map(([id, { diagnosis, repair }]): DoctorEntry => {
    const failure = failed.get(id);
    const isRepaired = !left.has(id);
    return { diagnosis, canRepair: repair !== undefined, isRepaired, ...(failure && !isRepaired ? { failure } : {}) };
  });
  return { entries, failures: now.failures };
};
