import { join } from 'node:path';
import { FailureError, saidFailure } from '../errors.ts';
import type { Problem } from '../problems.ts';
import { blobFile } from '../store/artifacts.ts';
import { type Blob, manifestIn } from '../store/layout.ts';
import type { Ended } from '../system/exec.ts';
import { exists, walk } from '../system/files.ts';
import { makeTemporary, remove, replaceDirectory, symlinkAtomic, syncPath } from '../system/publish.ts';
import { mostManifestBytes } from './envelope.ts';
import { type Answered, type Connection, type Place, patience, type Remote } from './remote.ts';

/**
 * A directory with an image layout for each Artifact, as the Store has them: on NFS, say. Who writes it is nobody, and
 * its server may be away: children read it, which can be ended, and they follow no link and read no further than asked.
 */

/** dd(1) is the program of the system's own that can do all of this. */
const reading = (path: string, most: number): readonly [string, ...string[]] => [
  'dd',
  `if=${path}`,
  'bs=1M',
  'iflag=nofollow,nonblock,fullblock,count_bytes',
  `count=${most + 1}`,
  'status=none',
];

const isMissing = ({ errors }: Ended): boolean => /No such file or directory/.test(errors);

const troubleOf = (ended: Ended): Problem =>
  ended.timedOut ? { problem: 'no-answer', said: ended.problem } : { problem: 'said', text: ended.problem };

const readSmall = async ({ processes, holding }: Connection, path: string): Promise<Answered<string>> => {
  const ended = await processes.ask(reading(path, mostManifestBytes), { limit: patience.answer, ...holding });
  if (ended.code !== 0) return !ended.timedOut && isMissing(ended) ? {} : { trouble: troubleOf(ended) };
  return ended.output.length > mostManifestBytes
    ? { trouble: { problem: 'too-large', what: path, most: mostManifestBytes } }
    : { found: ended.output };
};

/** A share that is not mounted has no Artifact either, and that is another thing. */
const isThere = async ({ processes, holding }: Connection, path: string): Promise<Answered<string>> => {
  const ended = await processes.ask(['ls', '-d', '--', `${path}/.`], { limit: patience.answer, ...holding });
  return ended.code === 0 ? {} : { trouble: troubleOf(ended) };
};

const fetchBlob = async (
  { processes, holding }: Connection,
  layout: string,
  blob: Blob,
  directory: string,
): Promise<Problem | undefined> => {
  const to = join(directory, blob.digest.slice('sha256:'.length));
  const argv = [...reading(blobFile(layout, blob), blob.size), `of=${to}`] as const;
  const ended = await processes.ask(argv, { limit: patience.artifact, ...holding });
  return ended.code === 0 ? undefined : troubleOf(ended);
};

const copyLayout = async ({ processes }: Connection, from: string, to: string): Promise<void> => {
  const { code, errors } = await processes.ask(['cp', '-r', '--', `${from}/.`, `${to}/`], { limit: patience.artifact });
  if (code !== 0) throw new FailureError(saidFailure(errors));
  for (const file of walk(to)) syncPath(join(to, file));
};

/** A directory by its path, as `prebuilt` has it. */
export const directoryRemote = (connection: Connection, path: string): Remote => {
  const layoutOf = ({ repository, tag }: Place): string => join(path, repository, tag);
  return {
    manifest: async (place) => {
      const index = await readSmall(connection, join(layoutOf(place), 'index.json'));
      if ('trouble' in index) return index;
      if (index.found === undefined) return isThere(connection, path);
      const manifest = manifestIn(index.found);
      return manifest ? readSmall(connection, blobFile(layoutOf(place), manifest)) : { found: index.found };
    },
    fetch: async (place, _manifest, layers, directory) => {
      for (const layer of layers) {
        const trouble = await fetchBlob(connection, layoutOf(place), layer, directory);
        if (trouble) return trouble;
      }
      return undefined;
    },
    send: async (place, layout) => {
      if (!exists(path)) throw new FailureError({ kind: 'registry-failed', at: path, detail: 'no such directory' });
      const beside = makeTemporary(join(path, place.repository), '.tmp_', 0o755);
      try {
        await copyLayout(connection, layout, beside);
        replaceDirectory(beside, layoutOf(place));
      } finally {
        remove(beside);
      }
    },
    tag: async (place, tag) => symlinkAtomic(place.tag, layoutOf({ ...place, tag })),
  };
};
