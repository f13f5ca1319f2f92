import { statSync } from 'node:fs';
import { machine, release } from 'node:os';
import { isPackageSetup, isPackageUpgrade, isScriptlet } from '../adapters/maintainer-script.ts';
import type { ModuleRequest, Request } from '../engine/request.ts';
import type { Environment } from '../engine/settings.ts';
import type { Invocation } from './invocation.ts';
import { quickDkms, quickKmodsort } from './quick.ts';

/** The command line of either program, with all that it is read against. */

/** What the process knows of how it was called. */
export interface Caller {
  /** The name that we were called by. */
  readonly program: string;
  readonly cwd: string;
  readonly version: string;
  /** Width of the help. */
  readonly columns: number;
  readonly environment: Environment;
  readonly isRoot: boolean;
  readonly parent: number;
  /** The words that start this program once more. */
  readonly self: readonly [string, ...string[]];
}

/** Whether a path is a file or a directory; undefined for anything else, and where one may not look. */
const look = (path: string): 'file' | 'directory' | undefined => {
  try {
    const facts = statSync(path);
    if (facts.isDirectory()) return 'directory';
    return facts.isFile() ? 'file' : undefined;
  } catch {
    return undefined;
  }
};

const isAboutModule = (request: Request): request is ModuleRequest =>
  ['add', 'build', 'install', 'uninstall', 'unbuild', 'remove'].includes(request.verb);

/** What a package's own scripts say means less than the same words typed by hand. */
const forMaintainerScript = (request: Request, { environment, parent }: Caller): Request => {
  if (!isAboutModule(request)) return request;
  const waiting = isScriptlet(environment, parent) ? { ...request, inTransaction: true } : request;
  // An upgrade says `remove` of what shall stay until the new version is there.
  if (request.verb === 'remove' && isPackageUpgrade(environment, parent))
    return { ...waiting, replacementFollows: true };
  return request.verb === 'add' && isPackageSetup(environment) ? { ...waiting, mayBeKnown: true } : waiting;
};

const readDkms = async (argv: readonly string[], caller: Caller): Promise<Invocation> => {
  const { cwd, columns, isRoot } = caller;
  const context = { cwd, columns, isRoot, runningKernel: release(), arch: machine(), look };
  const invocation =
    quickDkms(argv, context) ?? (await (await import('./dkms.ts')).parseDkmsCommandLine(argv, context));
  if (invocation.kind !== 'run' || invocation.task.kind !== 'request') return invocation;
  return { ...invocation, task: { kind: 'request', request: forMaintainerScript(invocation.task.request, caller) } };
};

/** Read a command line: called as `dkms` we are the drop-in. Prints nothing and ends nothing. */
export const readCommandLine = async (argv: readonly string[], caller: Caller): Promise<Invocation> => {
  if (caller.program === 'dkms') return readDkms(argv, caller);
  return quickKmodsort(argv, caller) ?? (await import('./kmodsort.ts')).parseCommandLine(argv, caller);
};
