import { type Manifest, sign, statementOf } from '../real/shop.ts';
import { type Fleet, must, type names } from './fleet.ts';
import type { FleetNode } from './node.ts';

/** What a registry holds, and what somebody who may write there makes of it. */

type Name = (typeof names)[number];

const mediaType = 'application/vnd.oci.image.manifest.v1+json';

const isManifest = (value: unknown): value is Manifest =>
  value instanceof Object && 'layers' in value && 'annotations' in value;

/** Keys by module, of what a push said. */
export const keysIn = (said: string): Readonly<Record<Name, string>> => {
  const keyOf = (name: Name): string => {
    const key = new RegExp(`/${name}:([0-9a-f]{64})\\b`).exec(said)?.[1];
    if (key === undefined) throw new Error(`nothing of ${name} was pushed: ${said}`);
    return key;
  };
  return { high: keyOf('high'), low: keyOf('low') };
};

export class Images {
  readonly #base: string;
  readonly #fleet: Fleet;

  constructor(fleet: Fleet, repository = 'kmods') {
    this.#fleet = fleet;
    this.#base = `http://${fleet.registryNode.address}:5000/v2/${repository}`;
  }

  /** The text of a manifest; undefined where there is none. */
  async text(name: Name, tag: string): Promise<string | undefined> {
    const answer = await fetch(`${this.#base}/${name}/manifests/${tag}`, { headers: { Accept: mediaType } });
    return answer.ok ? answer.text() : undefined;
  }

  async put(name: Name, tag: string, text: string): Promise<void> {
    const request = { method: 'PUT', headers: { 'Content-Type': mediaType }, body: text };
    const answer = await fetch(`${this.#base}/${name}/manifests/${tag}`, request);
    if (!answer.ok) throw new Error(`the registry takes no ${name}:${tag}: ${answer.status} ${await answer.text()}`);
  }

  /** Put another manifest in the place of one, as whoever may write there can. */
  async remake(name: Name, tag: string, edit: (manifest: Manifest) => unknown): Promise<void> {
    const manifest: unknown = JSON.parse((await this.text(name, tag)) ?? '');
    if (!isManifest(manifest)) throw new Error(`${name}:${tag} has no signed manifest`);
    edit(manifest);
    await this.put(name, tag, JSON.stringify(manifest));
  }

  /** Let the Statement of one, or what becomes of it, be signed with a key of a machine. */
  resign(name: Name, tag: string, node: FleetNode, key: string, edit = (text: string): string => text): Promise<void> {
    const file = node.path(key);
    return this.remake(name, tag, (manifest) => sign(manifest, edit(statementOf(manifest)), file));
  }

  /** Copy one into the place of another, layers and all. */
  async copy(from: readonly [Name, string], to: readonly [Name, string]): Promise<void> {
    const place = ([name, tag]: readonly [Name, string]): string =>
      `docker://${this.#fleet.registry.host}/kmods/${name}:${tag}`;
    await must(this.#fleet.registryNode, 'skopeo', '--insecure-policy', 'copy', '-q', place(from), place(to));
  }
}
