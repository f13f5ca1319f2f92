import type { Machine } from './machine.ts';
import { emulate, makeInitramfs } from './qemu.ts';

/** The modules of a machine in the real kernel, by a first program that loads some of them. */

/** The first program: modprobes each of the names in turn. */
const initFor = (names: readonly string[]): string => `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
for name in ${names.join(' ')}; do
  /bin/busybox modprobe $name && echo "modprobe $name: well" || echo "modprobe $name: failed"
done
echo "loaded: $(/bin/busybox cut -d ' ' -f 1 /proc/modules | /bin/busybox sort | /bin/busybox tr '\\n' ' ')"
echo "end of init"
/bin/busybox poweroff -f
`;

/** What the modules of a machine need to be loaded from beside the first program: all but the headers. */
const modulesBeside = (release: string): string => `mkdir -p lib/modules/${release}
     for one in /usr/lib/modules/${release}/*; do
       case $one in */build | */source) ;; *) cp -a $one lib/modules/${release}/ ;; esac
     done`;

/** The serial console of a boot that loads the modules of a machine, where depmod left them. */
export const bootWith = async (
  machine: Machine,
  release: string,
  names: readonly string[],
  words: readonly string[] = [],
): Promise<string> => {
  const initramfs = await makeInitramfs(machine, initFor(names), modulesBeside(release));
  return emulate({ release, initramfs, end: 'end of init', seconds: 120, options: ['-m', '256'], words });
};
