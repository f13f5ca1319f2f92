import { join } from 'node:path';
import { settingForms } from '../conf/setting-names.ts';
import type { Diagnosis } from '../diagnoses.ts';
import { readDirectory, readText } from '../system/files.ts';
import { nearest } from '../system/nearest.ts';
import type { Check, Found, View } from './view.ts';

/** What stands in framework.conf and framework.conf.d. */

export interface Place {
  readonly path: string;
  readonly line?: number;
}

/** Where a setting is made: in the last file that assigns it, for that one counts. */
export const placeOf = (confDir: string, name: string): Place => {
  const further = join(confDir, 'framework.conf.d');
  const main = join(confDir, 'framework.conf');
  const files = [main, ...readDirectory(further).map((file) => join(further, file))].filter((path) =>
    path.endsWith('.conf'),
  );
  const assigns = new RegExp(`^\\s*(export\\s+)?${name}\\+?=`);
  const places = files.flatMap((path) => {
    const line = (readText(path) ?? '').split('\n').findLastIndex((text) => assigns.test(text));
    return line < 0 ? [] : [{ path, line: line + 1 }];
  });
  return places.at(-1) ?? { path: main };
};

/** A name that is much like one that is read; short ones are like too many. */
const unknown = (confDir: string, name: string): Diagnosis => {
  const at = { ...placeOf(confDir, name), name };
  const meant = nearest(name, Object.keys(settingForms));
  return meant === undefined ? { code: 'setting-unknown', ...at } : { code: 'setting-misspelt', ...at, meant };
};

const settingOf = (confDir: string, name: string, value: string): Diagnosis[] => {
  const form = settingForms[name];
  if (form === undefined) return [unknown(confDir, name)];
  if (form.pattern.test(value)) return [];
  return [{ code: 'setting-invalid', ...placeOf(confDir, name), name, value, wants: form.wants }];
};

const namesUnknown = ({ settings, entries }: View): Diagnosis[] => {
  const known = new Set(entries.map(({ module }) => module.name));
  const among = (words: readonly string[]): string[] => [...new Set(words)].filter((word) => !known.has(word));
  const at = (name: string) => ({ ...placeOf(settings.confDir, name), name });
  return [
    ...among(settings.requiredModules).map(
      (word): Diagnosis => ({ code: 'required-unknown', ...at('required_modules'), word }),
    ),
    ...among(settings.unconfinedModules).map(
      (word): Diagnosis => ({ code: 'unconfined-unknown', ...at('unconfined_modules'), word }),
    ),
  ];
};

export const checkSettings: Check = (view) => {
  const { confDir, variables } = view.settings;
  const settings = Object.entries(variables).flatMap(([name, value]) => settingOf(confDir, name, value));
  return [...settings, ...namesUnknown(view)].map((diagnosis): Found => ({ diagnosis }));
};
