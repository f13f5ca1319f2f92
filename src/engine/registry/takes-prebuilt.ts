import type { Settings } from '../settings.ts';
import { exists } from '../system/files.ts';

/** Whether this machine asks for prebuilt builds: not a Builder that believes nobody else. */
export const takesPrebuilt = ({ prebuilt: { from, policy, pushKey, signers } }: Settings): boolean =>
  from !== undefined && (policy === 'only' || pushKey === undefined || exists(signers));
