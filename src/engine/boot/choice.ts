import type { BootHeld, HeldKernel } from '../answers.ts';

/** Which kernels must not be booted by default. Pure. */

/**
 * A kernel is held back while an older one has all that is required: nothing is gained where none has.
 *
 * @param kernels the newest first; as far as the first that lacks nothing
 * @returns undefined where nothing is to be held back
 */
export const holdFor = (kernels: readonly HeldKernel[]): BootHeld | undefined => {
  const first = kernels.findIndex(({ missing }) => missing.length === 0);
  const prefer = kernels[first]?.release;
  return first > 0 && prefer !== undefined ? { held: kernels.slice(0, first), prefer } : undefined;
};
