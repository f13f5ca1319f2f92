import type { Argv, Processes } from '../system/exec.ts';

/** Whether builds can be confined on this machine, and who runs them then. */

/** Made by the packages; where there is none, nobody. */
const buildUser = 'kmodsort-build';

/** The user that confined commands run as. */
export interface BuildUser {
  readonly uid: number;
  readonly gid: number;
}

/** What one command may do. Paths have no links in them. */
export interface Confines {
  readonly user: BuildUser;
  /** Directories that it may write. */
  readonly writable: readonly string[];
  /** Directories below them that it may not. */
  readonly kept: readonly string[];
  /** What is seen in which place, in this order. */
  readonly binds: readonly (readonly [from: string, to: string])[];
  /** What it has to see, also where it lies in a hidden directory, or in one that only root may enter. */
  readonly visible: readonly string[];
  /** Links to such directories by which they are named. */
  readonly aliases: readonly (readonly [directory: string, link: string])[];
  /** Directories of which nothing else is seen. */
  readonly hidden: readonly string[];
}

/** The user, or why nothing can be confined here. */
export type Confinement = { readonly user: BuildUser } | { readonly refusal: string };

/** Namespaces of its own for a command, which ends with all that it has started. */
export const unshare = [
  'unshare',
  '--mount',
  '--net',
  '--ipc',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--',
] as const satisfies Argv;

/** Another user for a command, with nothing of root's left. */
export const asUser = ({ uid, gid }: BuildUser): string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
  '--no-new-privs',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--',
];

const askUser = async (processes: Processes): Promise<BuildUser | undefined> => {
  const { output } = await processes.ask(['getent', 'passwd', buildUser, 'nobody'], { limit: 10 });
  const [, , uid, gid] = output.split('\n')[0]?.split(':') ?? [];
  return uid && gid && Number(uid) > 0 ? { uid: Number(uid), gid: Number(gid) } : undefined;
};

/** Try it: containers and hardened kernels often refuse namespaces, and a machine may lack the programs. */
export const askConfinement = async (processes: Processes): Promise<Confinement> => {
  const user = await askUser(processes);
  if (!user) return { refusal: `getent: neither ${buildUser} nor nobody is known` };
  const { code, problem } = await processes.ask([...unshare, ...asUser(user), 'true'], { limit: 10 });
  return code === 0 ? { user } : { refusal: problem };
};
