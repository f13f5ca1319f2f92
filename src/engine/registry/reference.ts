/** Where prebuilt Artifacts are, and what each is called there. Pure. */

/** A registry, or a directory with the same image layouts in it. */
export type Registry =
  /** `registry.example.org/kmods`. */
  { readonly kind: 'registry'; readonly name: string } | { readonly kind: 'directory'; readonly path: string };

/** Host names, and addresses of IPv6 in brackets. */
const host =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;

/** Source: OCI Distribution Specification 1.0, "Pulling manifests": `<name>`. */
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Without a dot, a port or this name, tools take the first word for a repository of docker.io. */
const isHost = (text: string): boolean => host.test(text) && (/[.:]/.test(text) || text === 'localhost');

/** What the setting `prebuilt` names; undefined where it is neither a registry nor an absolute path. */
export const registryOf = (text: string): Registry | undefined => {
  if (/[\0\n]/.test(text)) return undefined;
  if (text.startsWith('/')) return { kind: 'directory', path: text.replace(/(?<=.)\/+$/, '') };
  const [first = '', ...path] = text.split('/');
  return isHost(first) && path.every((one) => component.test(one)) ? { kind: 'registry', name: text } : undefined;
};

/**
 * The repository of a module: its name, in the letters that a repository may have. Two names may come to the same one,
 * for what tells their Artifacts apart is the Key.
 */
export const repositoryOf = (module: string): string => {
  const plain = module
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|[._-]+$/g, '');
  return component.test(plain) ? plain : plain.replace(/[^a-z0-9]+/g, '-') || 'module';
};

/** What stands for a Key where its build has failed. */
export const failureKey = (key: string): string => `${key}-failed`;

/** What an Artifact is found by on a machine without headers. */
export const kernelTagName = (tag: string): string => `kernel-${tag}`;

/** How people and tools name an Artifact. */
export const artifactName = (registry: Registry, module: string, key: string): string =>
  registry.kind === 'registry'
    ? `${registry.name}/${repositoryOf(module)}:${key}`
    : `${registry.path}/${repositoryOf(module)}/${key}`;
