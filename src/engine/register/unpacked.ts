import { dirname, join } from 'node:path';
import type { Run } from '../run/run.ts';
import { exists, readDirectory } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { isCleanName } from '../system/names.ts';
import { isRegistered, type TreeEntry } from '../tree/tree.ts';

/**
 * Sources that a transaction has brought and whose packages are not set up yet. apt unpacks everything before it sets
 * anything up, and a kernel's turn may come before that of the modules that belong on it: taken up now, they are in the
 * initramfs that is made for it. Sources: dpkg(1) on package states, dpkg-query(1).
 */

const limit = 30;

const ask = async (run: Run, words: readonly string[]): Promise<string[]> => {
  // It ends badly if one path is nobody's, and has answered for the others.
  const { output } = await run.processes.ask(['dpkg-query', ...words], { limit });
  return output.split('\n').filter(Boolean);
};

const isAwaitingSetup = (state: string): boolean => state === 'unpacked' || state === 'half-configured';

/** Packages among these that are unpacked and no more. */
const awaitingSetup = async (run: Run, packages: readonly string[]): Promise<Set<string>> => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: placeholders of dpkg-query's own.
  const lines = await ask(run, ['-W', '-f', '${db:Status-Status} ${binary:Package}\n', ...packages]);
  const states = lines.map((line) => line.split(' '));
  return new Set(states.filter(([state]) => isAwaitingSetup(state ?? '')).map(([, name]) => name ?? ''));
};

/** `package: /usr/src/NAME-VERSION/dkms.conf`, a line for each path that a package has. */
const ownerIn = (line: string): { readonly owner: string; readonly path: string } | undefined => {
  const [, owner, path] = /^([^,\s]+): (\/.*)$/.exec(line) ?? [];
  return owner && path ? { owner, path } : undefined;
};

/** Directory names below the source tree; none where there is no dpkg. */
export const unpackedSources = async (run: Run, known: readonly TreeEntry[]): Promise<string[]> => {
  const { sourceTree } = run.settings;
  const confs = new Map(readDirectory(sourceTree).map((name) => [join(sourceTree, name, 'dkms.conf'), name]));
  const isUnknown = (conf: string): boolean => exists(conf) && !isRegistered(known, dirname(conf));
  const unknown = [...confs].filter(
    ([conf, name]) =>
      isCleanName(name) &&
      lookOr(
        () => isUnknown(conf),
        () => false,
      ),
  );
  if (unknown.length === 0) return [];
  const owned = (await ask(run, ['-S', ...unknown.map(([conf]) => conf)])).flatMap((line) => ownerIn(line) ?? []);
  if (owned.length === 0) return [];
  const awaiting = await awaitingSetup(
    run,
    owned.map(({ owner }) => owner),
  );
  return owned.filter(({ owner }) => awaiting.has(owner)).flatMap(({ path }) => confs.get(path) ?? []);
};
