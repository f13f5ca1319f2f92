import { bootLoaders } from '../boot/loaders.ts';
import { isSystemTree } from '../settings.ts';
import { readBootHold } from '../state/boot-hold.ts';
import { bootHoldFile } from '../state/paths.ts';
import { readText } from '../system/files.ts';
import { isObject, parseJson } from '../system/json.ts';
import { placeOf } from './settings.ts';
import { type Check, type Found, isGone, type View } from './view.ts';

/** The boot guard: whether it can do what was asked for, and what it holds back. */

const settingsOfGuard = async ({ run, settings }: View): Promise<Found[]> => {
  if (!settings.bootGuard) return [];
  const at = { ...placeOf(settings.confDir, 'boot_guard'), name: 'boot_guard' };
  if (settings.requiredModules.length === 0) return [{ diagnosis: { code: 'boot-guard-idle', ...at } }];
  if (!isSystemTree(settings.installTree)) return [];
  const { environment, processes } = run;
  const loaders = await bootLoaders({ settings, environment, processes, menuFollows: false });
  return loaders.length > 0 ? [] : [{ diagnosis: { code: 'boot-loader-missing', ...at } }];
};

const held = (view: View): Found[] => {
  const { stateDir, bootGuard, requiredModules } = view.settings;
  const path = bootHoldFile(stateDir);
  const text = readText(path);
  if (text === undefined) return [];
  if (!isObject(parseJson(text))) return [{ diagnosis: { code: 'boot-hold-unreadable', path } }];
  const releases = readBootHold(stateDir)?.held.map(({ release }) => release) ?? [];
  const isOff = !bootGuard || requiredModules.length === 0;
  if (!isOff && !releases.some((release) => isGone(view, release))) return [];
  return [{ diagnosis: { code: 'boot-hold-outdated', path, held: releases, why: isOff ? 'off' : 'gone' } }];
};

export const checkBoot: Check = async (view) => (view.isBusy ? [] : [...(await settingsOfGuard(view)), ...held(view)]);
