import type { Given, Module } from '../request.ts';
import type { EntryRecord } from '../state/record.ts';
import { mayBeAnybodys } from '../system/trust.ts';
import type { Run } from './run.ts';

/** Switches that a module on a kernel was built with: whoever builds it again goes by them, until somebody names others. */

/** What is to be remembered with a build; undefined if nothing was given. */
export const givenFor = ({ named, switches }: Run, name: string): Given | undefined => {
  const { conf, kernelSource, kernelConfig, directives } = switches;
  const isNamed = named.has(name);
  const given: Given = {
    ...(isNamed && conf !== undefined ? { conf } : {}),
    ...(kernelSource === undefined ? {} : { kernelSource }),
    ...(kernelConfig === undefined ? {} : { kernelConfig }),
    ...(isNamed && directives.length > 0 ? { directives } : {}),
  };
  return Object.keys(given).length > 0 ? given : undefined;
};

/** What a module was built with, unless a command names it: its own switches count then. */
const rememberedOf = (run: Run, { name }: Module, { build }: EntryRecord): Given | undefined =>
  run.named.has(name) ? undefined : build?.given;

/**
 * Whether what stands in for a module's dkms.conf is gone, or is not root's any more: nobody knows then what else could
 * be built.
 */
export const isConfGone = (run: Run, module: Module, record: EntryRecord): boolean => {
  const conf = rememberedOf(run, module, record)?.conf;
  return conf !== undefined && mayBeAnybodys(conf);
};

/** The run as it is for a module on a kernel. Without its conf it goes by the source's own. */
export const runFor = (run: Run, module: Module, record: EntryRecord): Run => {
  const given = rememberedOf(run, module, record);
  if (!given) return run;
  const { conf, kernelConfig, ...rest } = given;
  return run.as(module.name, {
    ...rest,
    ...(conf === undefined || mayBeAnybodys(conf) ? {} : { conf }),
    ...(kernelConfig === undefined || mayBeAnybodys(kernelConfig) ? {} : { kernelConfig }),
  });
};
