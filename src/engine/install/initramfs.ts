import { join } from 'node:path';
import type { Row } from '../progress.ts';
import type { SyncRequest } from '../request.ts';
import type { Run } from '../run/run.ts';
import { initramfsLogFile } from '../state/paths.ts';
import { close, openLastingLog } from '../system/descriptors.ts';
import { exists, readDirectory, readText } from '../system/files.ts';

/**
 * An initramfs that was made before its kernel's modules lacks them. Made again here, unless the hook that makes
 * it comes after ours. Sources: update-initramfs(8), mkinitcpio(8), dracut(8).
 */

const limit = 900;

type Command = readonly [string, ...string[]];

/** mkinitcpio goes by presets, named after the kernel's package. */
const presetOf = (directory: string): string | undefined => {
  const base = readText(join(directory, 'pkgbase'))?.trim();
  return base && /^[\w.+-]+$/.test(base) && exists(`/etc/mkinitcpio.d/${base}.preset`) ? base : undefined;
};

/** Fedora's name, openSUSE's, and that of the Boot Loader Specification. */
const hasDracutImage = (release: string): boolean =>
  exists(`/boot/initramfs-${release}.img`) ||
  exists(`/boot/initrd-${release}`) ||
  readDirectory('/boot').some((name) => /^[0-9a-f]{32}$/.test(name) && exists(`/boot/${name}/${release}/initrd`));

/** The command that makes a kernel's initramfs again; undefined where it has none, or nobody here makes one. */
const commandFor = (run: Run, release: string): Command | undefined => {
  if (exists('/usr/sbin/update-initramfs')) {
    return exists(`/boot/initrd.img-${release}`) ? ['update-initramfs', '-u', '-k', release] : undefined;
  }
  const preset = presetOf(join(run.settings.installTree, release));
  if (preset && exists('/usr/bin/mkinitcpio')) return ['mkinitcpio', '-p', preset];
  return exists('/usr/bin/dracut') && hasDracutImage(release) ? ['dracut', '--force', '--kver', release] : undefined;
};

const make = async (run: Run, release: string, command: Command): Promise<void> => {
  run.emit({ kind: 'initramfs', release });
  const log = initramfsLogFile(run.settings.stateDir, release);
  const descriptor = openLastingLog(log);
  const ended = await run.processes.run({ argv: command, environment: run.environment, log: descriptor, limit });
  close(descriptor);
  if (ended.code === 0) return;
  run.note({ note: 'initramfs-failed', release, command: command.join(' '), log });
};

/** For every kernel that got modules; only on the machine's own trees. */
export const refreshInitramfs = async (run: Run, request: SyncRequest, rows: readonly Row[]): Promise<void> => {
  if (run.settings.privateInstallTree || request.origin !== 'hook') return;
  const installed = rows.filter((row) => row.outcome.kind === 'installed').map((row) => row.kernel.release);
  for (const release of new Set(installed)) {
    const command = request.initramfsFollows.includes(release) ? undefined : commandFor(run, release);
    if (command && !run.abort.aborted) await make(run, release, command);
  }
};
