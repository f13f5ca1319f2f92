import type { Log } from './log.ts';
import type { Place, Run } from './run.ts';

/** Sign uncompressed objects in place. Signing is not there yet: kernels that demand it say so in the log. */
export const signObjects = async (_run: Run, place: Place, _objects: readonly string[], log: Log): Promise<void> => {
  if (!place.facts.config.has('CONFIG_MODULE_SIG_HASH')) return;
  log.step('Signing', 'none: this version of kmodsort does not sign')(0);
};
