import type { KernelFacts } from '../kernel/kernel.ts';
import { compareVersions } from '../system/version.ts';
import type { RawConf, Values } from './directives.ts';
import { first, inOrder, matchesOf, valuesOf } from './values.ts';

/** BUILD_EXCLUSIVE: on which kernels a Module, or one object of it, is not built. */

export interface Exclusion {
  /** The directive that does not match. */
  readonly rule: string;
  readonly value: string;
}

/** `CONFIG_A !CONFIG_B`: all named options built in or modules, none of those with `!`; a number or text is neither. */
const configMatches = (rule: string, config: ReadonlyMap<string, string>): boolean => {
  const isOn = (option: string): boolean => /^[ym]$/.test(config.get(option) ?? '');
  const words = rule.split(/\s+/).filter(Boolean);
  return words.every((word) => (word.startsWith('!') ? !isOn(word.slice(1)) : isOn(word)));
};

/** BUILD_EXCLUSIVE directives, the newest first in what a user wants to know. */
const exclusive = ['KERNEL', 'KERNEL_MIN', 'KERNEL_MAX', 'ARCH', 'CONFIG'] as const;

const isMet = (
  raw: RawConf,
  rule: (typeof exclusive)[number],
  index: number,
  value: string,
  facts: KernelFacts,
): boolean => {
  switch (rule) {
    case 'KERNEL':
    case 'ARCH':
      return matchesOf(raw, `BUILD_EXCLUSIVE_${rule}`).get(index) !== 'no';
    case 'KERNEL_MIN':
      return compareVersions(facts.kernel.release, value) >= 0;
    case 'KERNEL_MAX':
      return compareVersions(facts.kernel.release, value) <= 0;
    case 'CONFIG':
      return facts.config.size === 0 || configMatches(value, facts.config);
  }
};

const ruleValues = (raw: RawConf, rule: (typeof exclusive)[number]): Values => {
  const values = valuesOf(raw, `BUILD_EXCLUSIVE_${rule}`);
  const obsolete = first(raw, 'OBSOLETE_BY');
  return rule === 'KERNEL_MAX' && values.size === 0 && obsolete ? new Map([[0, obsolete]]) : values;
};

/** Index 0 is the whole Module's unless the directive has other indexes too (dkms's manual). */
const isGlobal = (values: Values): boolean => inOrder(values).every(([index]) => index === 0);

/** The first rule that keeps a Module (or with an index: that object) off a kernel. */
export const exclusionOf = (raw: RawConf, facts: KernelFacts, index?: number): Exclusion | undefined => {
  for (const rule of exclusive) {
    const values = ruleValues(raw, rule);
    if (isGlobal(values) !== (index === undefined)) continue;
    const value = values.get(index ?? 0);
    if (value && !isMet(raw, rule, index ?? 0, value, facts)) return { rule: `BUILD_EXCLUSIVE_${rule}`, value };
  }
  return undefined;
};
