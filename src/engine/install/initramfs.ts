import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { dueFor, dueReleases, strikeDue } from '../state/due.ts';
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

const make = async (run: Run, release: string, command: Command): Promise<Failure | undefined> => {
  run.emit({ kind: 'initramfs', release });
  const log = initramfsLogFile(run.settings.stateDir, release);
  const descriptor = openLastingLog(log);
  const ended = await run.processes.run({ argv: command, environment: run.environment, log: descriptor, limit });
  close(descriptor);
  if (ended.code === 0) return undefined;
  return { kind: 'initramfs-failed', at: release, detail: command.join(' '), code: ended.code, log };
};

/** Whether somebody makes initramfs images here, so that ours have to be in them: only in the machine's own trees. */
export const hasInitramfs = ({ privateInstallTree }: Settings): boolean => !privateInstallTree;

const refresh = async (run: Run, release: string, isMadeLater: boolean): Promise<Failure | undefined> => {
  const command = isMadeLater ? undefined : commandFor(run, release);
  const failure = command && (await make(run, release, command));
  if (!failure) strikeDue(run.settings.stateDir, release, ['initramfs']);
  return failure;
};

/**
 * Make the initramfs of every kernel again for which it is due, of this run or of an earlier one.
 *
 * @param madeLater releases whose initramfs somebody makes after us
 * @returns the failures; what failed stays due
 */
export const refreshInitramfs = async (run: Run, madeLater: readonly string[]): Promise<Failure[]> => {
  const failures: Failure[] = [];
  const { stateDir } = run.settings;
  for (const release of dueReleases(stateDir)) {
    if (run.abort.aborted || !dueFor(stateDir, release).includes('initramfs')) continue;
    const failure = await refresh(run, release, madeLater.includes(release));
    if (failure) failures.push(failure);
  }
  return failures;
};
