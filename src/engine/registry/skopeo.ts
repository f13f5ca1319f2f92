import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import type { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import type { Blob } from '../store/layout.ts';
import type { Ended } from '../system/exec.ts';
import { exists, hashBytes } from '../system/files.ts';
import { rename } from '../system/publish.ts';
import { type Connection, type Place, patience, type Remote, toolProblem } from './remote.ts';

/** Registries, by skopeo(1): who may come in and where a name leads is in the files of containers-registries.conf(5). */

/** What it goes by besides its files. */
const variables = [
  'HOME',
  'XDG_RUNTIME_DIR',
  'REGISTRY_AUTH_FILE',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

const environmentOf = ({ settings }: Connection): Readonly<Record<string, string>> =>
  Object.fromEntries(
    variables.flatMap((name) => {
      const value = settings.environment[name];
      return value ? [[name, value]] : [];
    }),
  );

/** What it keeps for itself may be so large: where it has seen blobs. */
const ownFiles = 64 * 1024 ** 2;

/** Whom we believe is in allowed_signers: another policy would be one too many. */
const program = ({ scratch }: Connection): readonly [string, ...string[]] => [
  'skopeo',
  '--insecure-policy',
  '--tmpdir',
  scratch,
];

const credentials = ({ settings: { prebuilt } }: Connection): string[] =>
  exists(prebuilt.auth) ? ['--authfile', prebuilt.auth] : [];

/** `time="…" level=fatal msg="…"`, as its log has it where nobody looks on. */
const fatal = /level=fatal msg="((?:[^"\\]|\\.)*)"/;

/** The sentence of skopeo, without the name that we have given it. */
const said = ({ errors, problem }: Ended): string =>
  (fatal.exec(errors)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? problem).replace(/^Error parsing image name "[^"]*": /, '');

/** Error codes of the OCI Distribution Specification, and what registries of Docker say instead. */
const isNotThere = (text: string): boolean =>
  /manifest unknown|name unknown|not known to registry|status code:? 404/i.test(text);
const isRefused = (text: string): boolean =>
  /unauthorized|denied|authentication required|invalid username\/password|status code:? 40[13]/i.test(text);

const troubleOf = (settings: Settings, ended: Ended): Problem => {
  if (ended.unstartable) return toolProblem(settings, 'skopeo', ended);
  if (ended.timedOut) return { problem: 'no-answer', said: ended.problem };
  const text = said(ended);
  return isRefused(text) ? { problem: 'credentials-refused', said: text } : { problem: 'said', text };
};

/** A registry by its name, as `prebuilt` has it. */
export const registryRemote = (connection: Connection, name: string): Remote => {
  const { processes, settings, holding } = connection;
  const options = { variables: environmentOf(connection), ...holding };
  const ask = (limit: number, ...words: readonly string[]): Promise<Ended> =>
    processes.ask([...program(connection), ...words], { ...options, limit });
  const tagged = ({ repository, tag }: Place): string => `docker://${name}/${repository}:${tag}`;
  const put = async (from: string, place: Place): Promise<void> => {
    const copy = ['copy', '--quiet', '--preserve-digests', ...credentials(connection), from, tagged(place)];
    const ended = await ask(patience.artifact, ...copy);
    if (ended.code === 0) return;
    const problem = troubleOf(settings, ended);
    throw new FailureError({ kind: 'registry-failed', at: settings.prebuilt.from ?? name, problem });
  };
  return {
    manifest: async (place) => {
      const ended = await ask(patience.answer, 'inspect', '--raw', ...credentials(connection), tagged(place));
      if (ended.code === 0) return { found: ended.output };
      return !ended.timedOut && isNotThere(said(ended)) ? {} : { trouble: troubleOf(settings, ended) };
    },
    fetch: async ({ repository, tag }, manifest, layers, directory) => {
      // The very manifest that was looked at, whatever the tag names by now; and no file larger than it says.
      const from = `docker://${name}/${repository}@sha256:${hashBytes(manifest)}`;
      const layout = join(directory, 'layout');
      const most = Math.max(...layers.map(({ size }: Blob) => size)) + ownFiles;
      const copy = ['copy', '--quiet', '--preserve-digests', ...credentials(connection), from, `oci:${layout}:${tag}`];
      const argv = ['prlimit', `--fsize=${most}`, '--', ...program(connection), ...copy] as const;
      const ended = await processes.ask(argv, { ...options, limit: patience.artifact });
      if (/file too large|file size limit/i.test(ended.errors)) return { problem: 'too-large', what: from, most };
      if (ended.code !== 0) return troubleOf(settings, ended);
      for (const hash of layers.map(({ digest }) => digest.slice('sha256:'.length))) {
        const blob = join(layout, 'blobs/sha256', hash);
        if (exists(blob)) rename(blob, join(directory, hash));
      }
      return undefined;
    },
    send: (place, layout) => put(`oci:${layout}:${place.tag}`, place),
    tag: (place, tag) => put(tagged(place), { ...place, tag }),
  };
};
