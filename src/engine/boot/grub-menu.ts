import { basename } from 'node:path';

/**
 * The menu that grub-mkconfig wrote, as far as it says what is booted by default. Pure. Sources: "Configuration" in
 * the GRUB manual (`default`, `menuentry`, `submenu`), and the entries of its 10_linux.
 */

/** An entry or a submenu. */
export interface MenuEntry {
  readonly title: string;
  /** What `--id` says: the same in every language. */
  readonly id: string | undefined;
  /** The path of the kernel image, as GRUB reads it: from the root of its file system. */
  readonly image?: string;
  /** Of a submenu. */
  readonly entries?: readonly MenuEntry[];
}

export interface GrubMenu {
  readonly entries: readonly MenuEntry[];
  /** What GRUB_DEFAULT became: an index, a title or an id, a path of them with `>`, or `${saved_entry}`. */
  readonly default: string;
  /** The entries are files of the Boot Loader Specification. */
  readonly isBls: boolean;
}

/** What GRUB_DEFAULT=saved becomes. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of GRUB's.
export const savedEntry = '${saved_entry}';

const opening = /^\s*(menuentry|submenu)\s+(?:'((?:[^']|'\\'')*)'|"([^"]*)")(.*)\{\s*$/;

/** Commands that load a kernel image, on the machines that Linux runs on. */
const loads = /^\s*linux(?:16|efi)?\s+(\S+)/;

interface Open {
  readonly entry?: { title: string; id: string | undefined; image?: string; entries?: MenuEntry[] };
}

const openOf = (line: string): Open => {
  const [, kind, single, double, rest = ''] = opening.exec(line) ?? [];
  if (kind === undefined) return {};
  const title = (single ?? double ?? '').replaceAll("'\\''", "'");
  const id = /(?:\$menuentry_id_option|--id)[\s=]+(?:'([^']*)'|"([^"]*)"|(\S+))/.exec(rest);
  const common = { title, id: id?.[1] ?? id?.[2] ?? id?.[3] };
  return { entry: kind === 'submenu' ? { ...common, entries: [] } : common };
};

const entriesIn = (text: string): MenuEntry[] => {
  const all: MenuEntry[] = [];
  const open: Open[] = [];
  for (const line of text.split('\n')) {
    const inner = open.findLast(({ entry }) => entry)?.entry;
    if (/\{\s*$/.test(line)) {
      const next = openOf(line);
      if (next.entry) (inner?.entries ?? all).push(next.entry);
      open.push(next);
    } else if (/^\s*\}\s*$/.test(line)) open.pop();
    else if (inner && !inner.image) {
      const image = loads.exec(line)?.[1];
      if (image) inner.image = image;
    }
  }
  return all;
};

/** @param text a grub.cfg */
export const parseGrubMenu = (text: string): GrubMenu => {
  const set = [...text.matchAll(/^\s*set\s+default="([^"]*)"/gm)].map(([, word]) => word ?? '');
  return {
    entries: entriesIn(text),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of GRUB's.
    default: set.filter((word) => word !== '${next_entry}').at(-1) ?? '0',
    isBls: /^\s*blscfg\b/m.test(text),
  };
};

const child = (entries: readonly MenuEntry[], word: string): MenuEntry | undefined =>
  /^\d+$/.test(word) ? entries[Number(word)] : entries.find(({ id, title }) => id === word || title === word);

/** The entry that a word names: `1>2`, `Advanced options for Debian GNU/Linux>…`; of a submenu its first one. */
export const entryNamed = (entries: readonly MenuEntry[], word: string): MenuEntry | undefined => {
  let within: readonly MenuEntry[] = entries;
  let found: MenuEntry | undefined;
  for (const part of word.split('>')) {
    found = child(within, part);
    within = found?.entries ?? [];
  }
  return found?.entries ? found.entries[0] : found;
};

/** The word that counts: of what was saved, or of the menu itself. */
const wordNow = (menu: GrubMenu, saved: string | undefined): string =>
  menu.default === savedEntry ? (saved ?? '') : menu.default;

/**
 * The entry that GRUB boots when nobody is there to choose: its first one where the default names none.
 *
 * @param saved saved_entry of the environment block
 */
export const defaultEntry = (menu: GrubMenu, saved: string | undefined): MenuEntry | undefined =>
  entryNamed(menu.entries, wordNow(menu, saved)) ?? entryNamed(menu.entries, '0');

const isRecovery = ({ id, title }: MenuEntry): boolean => /recovery/i.test(id ?? title);

/** Menus name their first entry by no release: it is another kernel's when one has come. */
const isLasting = ({ id }: MenuEntry): boolean => id === undefined || !id.includes('-simple-');

/** Whether the default is named, so that it stays the same whatever is installed. */
export const isPinned = (menu: GrubMenu, saved: string | undefined): boolean => {
  const word = wordNow(menu, saved);
  const entry = entryNamed(menu.entries, word);
  return entry !== undefined && isLasting(entry) && !word.split('>').some((part) => /^\d+$/.test(part));
};

/**
 * The word that names the entry of a kernel: `gnulinux-advanced-UUID>gnulinux-6.1.0-56-amd64-advanced-UUID`.
 *
 * @param images file names of its image
 */
export const wordFor = (entries: readonly MenuEntry[], images: readonly string[]): string | undefined => {
  for (const entry of entries) {
    const word = entry.id ?? entry.title;
    const below = entry.entries && wordFor(entry.entries, images);
    if (below !== undefined) return `${word}>${below}`;
    if (images.includes(basename(entry.image ?? '')) && !isRecovery(entry) && isLasting(entry)) return word;
  }
  return undefined;
};
