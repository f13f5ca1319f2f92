import { dirname, join } from 'node:path';
import type { BootHeld } from '../answers.ts';
import type { Failure } from '../errors.ts';
import { type BootHold, rememberMenu } from '../state/boot-hold.ts';
import { bootLogFile } from '../state/paths.ts';
import { close, openLastingLog } from '../system/descriptors.ts';
import type { Argv } from '../system/exec.ts';
import { exists, readText, realPath } from '../system/files.ts';
import { makeTemporary, remove, rename, syncPath, writeAtomic } from '../system/publish.ts';
import { changeBlock, type EnvironmentBlock, readBlock } from './grub-environment.ts';
import { defaultEntry, entryNamed, type GrubMenu, isPinned, parseGrubMenu, savedEntry, wordFor } from './grub-menu.ts';
import { imageIn, imageNames, isImageOf } from './images.ts';
import { guardFailure, type Place, sweepOurs, temporaryPrefix } from './place.ts';

/**
 * GRUB boots the first entry of its menu, or the one that it is told to. Where 10_linux knows GRUB_TOP_LEVEL (2.12) the
 * kernel that works is made the first; elsewhere its entry is the saved one. Sources: grub-mkconfig(8), "Simple
 * configuration handling" in the GRUB manual.
 */

const name = 'GRUB';

export interface Grub extends EnvironmentBlock {
  /** grub.cfg. */
  readonly menu: string;
  /** grub-mkconfig, or grub2-mkconfig. */
  readonly mkconfig: string;
}

/** GRUB, where a menu of it is here. */
export const findGrub = (): Grub | undefined =>
  ['grub', 'grub2']
    .map((word) => ({
      menu: `/boot/${word}/grub.cfg`,
      path: `/boot/${word}/grubenv`,
      program: `${word}-editenv`,
      mkconfig: `${word}-mkconfig`,
    }))
    .find(({ menu }) => exists(menu));

const menuOf = ({ menu }: Grub): GrubMenu => parseGrubMenu(readText(menu) ?? '');

/** Read after the administrator's own files; Debian's grub-mkconfig and its kin do so. */
const dropIn = '/etc/default/grub.d/zz-kmodsort-boot-guard.cfg';

const mkconfigText = ({ mkconfig }: Grub): string =>
  ['/usr/sbin', '/usr/bin']
    .map((directory) => readText(join(directory, mkconfig)))
    .find((text) => text !== undefined) ?? '';

const readsDropIns = (grub: Grub): boolean => mkconfigText(grub).includes('default/grub.d');

const knowsTopLevel = (): boolean => (readText('/etc/grub.d/10_linux') ?? '').includes('GRUB_TOP_LEVEL');

/** What is in the environment block while we hold a kernel back. */
const marks = { ours: 'kmodsort_saved_entry', before: 'kmodsort_saved_before' };

const isHeld = ({ settings }: Place, { held }: BootHeld, image: string | undefined): boolean =>
  image !== undefined && held.some(({ release }) => isImageOf(settings, release, image));

/**
 * Make the menu anew: beside the old one, which grub-mkconfig would empty before it fills it, then in its place.
 *
 * @param topLevel for a grub-mkconfig that reads no files of ours
 */
const makeMenu = async (place: Place, grub: Grub, topLevel?: string): Promise<Failure | undefined> => {
  const target = realPath(grub.menu) ?? grub.menu;
  const work = makeTemporary(dirname(target), temporaryPrefix);
  const log = bootLogFile(place.settings.stateDir);
  const descriptor = openLastingLog(log);
  try {
    const argv: Argv = [grub.mkconfig, '-o', join(work, 'grub.cfg')];
    const environment = { ...place.environment, GRUB_TOP_LEVEL: topLevel };
    const { code } = await place.processes.run({ argv, environment, log: descriptor, limit: 600 });
    const made = readText(join(work, 'grub.cfg'));
    if (code !== 0 || made === undefined)
      return guardFailure(name, `${grub.mkconfig} failed with exit status ${code}`, log);
    if (parseGrubMenu(made).entries.length < Math.min(1, menuOf(grub).entries.length))
      return guardFailure(name, `${grub.mkconfig} made an empty menu`, log);
    syncPath(join(work, 'grub.cfg'));
    rename(join(work, 'grub.cfg'), target);
    syncPath(dirname(target));
    return undefined;
  } finally {
    close(descriptor);
    remove(work);
  }
};

/** Remember what was saved before us, and save another entry. */
const saveEntry = async (place: Place, grub: Grub, word: string): Promise<Failure | undefined> => {
  const block = await readBlock(grub, place.processes);
  const before = block.get(marks.before) ?? block.get('saved_entry') ?? '';
  const change = { saved_entry: word, [marks.ours]: word, [marks.before]: before };
  const problem = await changeBlock(grub, change, place.processes);
  return problem === undefined ? undefined : guardFailure(name, problem);
};

/** @returns whether there is anything new in it */
const writeDropIn = ({ settings }: Place, { held }: BootHeld, line: string): boolean => {
  const releases = held.map(({ release }) => release).join(' and ');
  const missing = [...new Set(held.flatMap((kernel) => kernel.missing))].join(', ');
  const text = `# Of kmodsort, which removes this file when all that is required will load (boot_guard in framework.conf):
# ${missing} would be missing on ${releases}.
${line}
`;
  if (readText(dropIn) === text) return false;
  rememberMenu(settings.stateDir);
  writeAtomic(dropIn, text);
  return true;
};

const byTopLevel = async (place: Place, grub: Grub, hold: BootHeld): Promise<Failure | undefined> => {
  const image = imageIn(place.settings, hold.prefer);
  if (image === undefined) return guardFailure(name, `no image of ${hold.prefer} in /boot`);
  const isRead = readsDropIns(grub);
  const isNew = isRead && writeDropIn(place, hold, `if [ -e '${image}' ]; then GRUB_TOP_LEVEL='${image}'; fi`);
  const first = defaultEntry(menuOf(grub), undefined)?.image;
  if (place.menuFollows && isRead) return undefined;
  const isDone = !isNew && first !== undefined && isImageOf(place.settings, hold.prefer, first);
  if (isDone) return undefined;
  rememberMenu(place.settings.stateDir);
  return makeMenu(place, grub, isRead ? undefined : image);
};

const bySavedEntry = async (place: Place, grub: Grub, hold: BootHeld, menu: GrubMenu): Promise<Failure | undefined> => {
  const isSaved = menu.default === savedEntry;
  if (!isSaved && !readsDropIns(grub))
    return guardFailure(
      name,
      `GRUB_DEFAULT is ${menu.default}: set it to saved in /etc/default/grub, and make the menu anew`,
    );
  const word = wordFor(menu.entries, imageNames(place.settings, hold.prefer));
  if (word === undefined) return guardFailure(name, `${grub.menu} has no entry for ${hold.prefer}`);
  // What is saved counts only when GRUB_DEFAULT says so: in this order nothing else is ever the default.
  const failure = await saveEntry(place, grub, word);
  if (failure || isSaved) return failure;
  writeDropIn(place, hold, 'GRUB_DEFAULT=saved');
  return place.menuFollows ? undefined : makeMenu(place, grub);
};

const grubbyWith = (place: Place, ...words: string[]) => place.processes.ask(['grubby', ...words], { limit: 120 });

/** Entries of the Boot Loader Specification, which grubby(8) looks after. */
const byGrubby = async (place: Place, grub: Grub, hold: BootHeld): Promise<Failure | undefined> => {
  const image = imageIn(place.settings, hold.prefer);
  if (image === undefined) return guardFailure(name, `no image of ${hold.prefer} in /boot`);
  const block = await readBlock(grub, place.processes);
  const now = await grubbyWith(place, '--default-kernel');
  const saved = block.get('saved_entry') ?? '';
  if (now.code === 0 && !/^\d*$/.test(saved) && !isHeld(place, hold, now.output.trim())) return undefined;
  const marked = await changeBlock(grub, { [marks.before]: block.get(marks.before) ?? saved }, place.processes);
  if (marked !== undefined) return guardFailure(name, marked);
  const set = await grubbyWith(place, '--set-default', image);
  if (set.code !== 0) return guardFailure(name, set.problem);
  const ours = (await readBlock(grub, place.processes)).get('saved_entry');
  const problem = await changeBlock(grub, { [marks.ours]: ours }, place.processes);
  if (problem !== undefined) return guardFailure(name, problem);
  const then = await grubbyWith(place, '--default-kernel');
  if (!isHeld(place, hold, then.output.trim())) return undefined;
  return guardFailure(name, `grubby --set-default ${image} had no effect`);
};

/** Read once more what will be booted. */
const checked = async (place: Place, grub: Grub, hold: BootHeld): Promise<Failure | undefined> => {
  const menu = menuOf(grub);
  const saved = (await readBlock(grub, place.processes)).get('saved_entry');
  const entry = defaultEntry(menu, saved);
  if (!isHeld(place, hold, entry?.image)) return undefined;
  return guardFailure(name, `${entry?.title ?? ''} is still the default: see GRUB_DEFAULT in /etc/default/grub`);
};

/**
 * See to it that GRUB boots none of the kernels that are held back, unless somebody chooses it in the menu. What an
 * administrator has made the default stays, where it is another kernel.
 */
export const holdInGrub = async (place: Place, grub: Grub, hold: BootHeld): Promise<Failure | undefined> => {
  sweepOurs(dirname(realPath(grub.menu) ?? grub.menu));
  const menu = menuOf(grub);
  if (menu.isBls) return byGrubby(place, grub, hold);
  const saved = (await readBlock(grub, place.processes)).get('saved_entry');
  if (isPinned(menu, saved) && !isHeld(place, hold, defaultEntry(menu, saved)?.image)) return undefined;
  const isFirst = menu.default !== savedEntry && !isPinned(menu, undefined);
  const failure =
    isFirst && knowsTopLevel() ? await byTopLevel(place, grub, hold) : await bySavedEntry(place, grub, hold, menu);
  return failure ?? (place.menuFollows ? undefined : checked(place, grub, hold));
};

/** Whether an entry that was saved is there to be booted. */
const isThere = (menu: GrubMenu, word: string): boolean =>
  menu.isBls ? exists(`/boot/loader/entries/${word}.conf`) : entryNamed(menu.entries, word) !== undefined;

/** What was saved before us is saved again, unless somebody has saved something else since, or it is gone. */
const restoreEntry = async (place: Place, grub: Grub): Promise<Failure | undefined> => {
  const block = await readBlock(grub, place.processes);
  const before = block.get(marks.before);
  if (before === undefined) return undefined;
  const ours = block.get(marks.ours);
  const isOurs = ours === undefined || block.get('saved_entry') === ours;
  const back = before !== '' && isThere(menuOf(grub), before) ? before : undefined;
  const change = { ...(isOurs ? { saved_entry: back } : {}), [marks.ours]: undefined, [marks.before]: undefined };
  const problem = await changeBlock(grub, change, place.processes);
  return problem === undefined ? undefined : guardFailure(name, problem);
};

/** Take back what holdInGrub did. */
export const releaseInGrub = async (place: Place, grub: Grub, known: BootHold): Promise<Failure | undefined> => {
  sweepOurs(dirname(realPath(grub.menu) ?? grub.menu));
  const failure = await restoreEntry(place, grub);
  if (failure || !known.inMenu) return failure;
  remove(dropIn);
  return place.menuFollows ? undefined : makeMenu(place, grub);
};
