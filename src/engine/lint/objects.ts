import { basename, dirname } from 'node:path';
import type { Finding } from '../findings.ts';
import { modelOf } from './makefile-model.ts';
import { confLine, type LintSource, type SourceRule, textIn } from './source.ts';

/** Objects that a conf names against those that kbuild builds. Where text alone cannot tell, nothing is said. */

interface Built {
  readonly object: string;
  readonly file: string;
  readonly line: number;
  readonly isModule: boolean;
}

interface Kbuilds {
  readonly built: readonly Built[];
  /** Everything that is built can be seen. */
  readonly isWhole: boolean;
}

const isKbuild = (path: string): boolean => /^(?:Makefile|Kbuild|GNUmakefile|makefile)$/.test(basename(path));

/** Files out of which Makefiles are made, or that belong to them. */
const isTemplate = (path: string): boolean =>
  /(?:^|\/)(?:Makefile|Kbuild)[.\w-]+$|\.(?:mk|am)$|(?:^|\/)configure(?:\.ac)?$/.test(path);

const objectList = /^(?:obj-\S+|\S*[-_]objs?)$/i;

const kbuildsOf = ({ files, directory, release }: LintSource): Kbuilds => {
  const built: Built[] = [];
  let isWhole = !files.some(isTemplate);
  for (const file of files.filter(isKbuild)) {
    const text = textIn(directory, file) ?? '';
    const given = new Map([['KERNELRELEASE', release]]);
    const model = modelOf(text, { role: 'kbuild', given, environment: new Map() });
    if (model.includes) isWhole = false;
    for (const { name, value, line, isSure } of model.assigned.filter((one) => objectList.test(one.name))) {
      if (!name.startsWith('obj-')) continue;
      const words = value.split(/\s+/).filter(Boolean);
      if (!isSure || words.some((word) => /[$`]/.test(word))) isWhole = false;
      const isModule = name === 'obj-m' && isSure;
      for (const word of words)
        if (word.endsWith('.o')) built.push({ object: word.slice(0, -2).replace(/^.*\//, ''), file, line, isModule });
    }
  }
  return { built, isWhole };
};

const notBuilt: SourceRule = (source) => {
  const { conf, shown } = source;
  const { built, isWhole } = kbuildsOf(source);
  if (!conf || !isWhole || built.length === 0) return [];
  return conf.objects
    .filter((object) => !built.some((one) => one.object === object.built))
    .map(
      (object, index): Finding => ({
        rule: 'object-not-built',
        file: shown('dkms.conf'),
        line: nameLine(source, object.built) ?? confLine(source, 'BUILT_MODULE_NAME', index),
        object: object.built,
      }),
    );
};

const nameLine = ({ confLines }: LintSource, object: string): number | undefined => {
  const found = confLines.findIndex((line) => /^\s*BUILT_MODULE_NAME/.test(line) && line.includes(object));
  return found < 0 ? undefined : found + 1;
};

/** Only of one Makefile beside the conf: what others build may never be asked for. */
const notNamed: SourceRule = (source) => {
  const { conf, shown } = source;
  const { built, isWhole } = kbuildsOf(source);
  const files = new Set(built.map(({ file }) => file));
  if (!conf || conf.exclusion || !isWhole || [...files].some((file) => dirname(file) !== '.') || files.size !== 1)
    return [];
  if (built.some(({ isModule }) => !isModule)) return [];
  return built
    .filter(({ object }) => !conf.objects.some((one) => one.built === object))
    .map(({ object, file, line }): Finding => ({ rule: 'object-not-named', file: shown(file), line, object }));
};

export const objectRules: readonly SourceRule[] = [notBuilt, notNamed];
