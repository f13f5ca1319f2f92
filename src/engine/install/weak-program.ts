import type { Kernel } from '../request.ts';
import { familyOf } from '../system/distribution.ts';

interface Program {
  readonly path: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** The program of a distribution; undefined where there is none. */
export const weakProgram = (distribution: string, kernel: Kernel): Program | undefined => {
  const family = familyOf(distribution);
  if (family === 'redhat') {
    return {
      path: '/usr/sbin/weak-modules',
      add: ['--no-initramfs', '--add-modules'],
      remove: ['--no-initramfs', '--remove-modules'],
    };
  }
  if (family !== 'suse') return undefined;
  return {
    path: '/usr/lib/module-init-tools/weak-modules2',
    add: ['--add-kernel-modules', kernel.release],
    remove: ['--remove-kernel-modules', kernel.release],
  };
};
