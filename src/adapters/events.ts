import type { KernelScope, Named, SyncRequest } from '../engine/request.ts';

/** What a package manager says has happened, or is about to. */
export type Event =
  /** In the middle of a transaction: more packages are set up after us. */
  | { readonly kind: 'kernel-arrived'; readonly release: string }
  /** At the end of a transaction: installed, upgraded or removed. */
  | {
      readonly kind: 'kernel-touched';
      readonly release: string;
      /** Its image came: somebody makes its initramfs after us. */
      readonly image?: boolean;
    }
  | { readonly kind: 'kernel-leaving'; readonly release: string }
  | { readonly kind: 'source-touched'; readonly source: string }
  | { readonly kind: 'source-leaving'; readonly source: string }
  | { readonly kind: 'transaction-ended' };

/** The package managers whose hooks we understand. */
export type Manager = 'pacman' | 'apt' | 'rpm';

/** Turns one manager's hook text into Events; throws bad-usage (FailureError) on words that no hook of ours has. */
export interface Adapter {
  /** Does the hook with these words bring file names on stdin? */
  readonly readsStdin: (words: readonly string[]) => boolean;
  readonly events: (words: readonly string[], stdin: string) => Event[];
}

interface Effect {
  /** The list of the request that the event's name is put in. */
  readonly list?: 'touched' | 'leaving';
  /** Asks for nothing but a removal. */
  readonly dropOnly: boolean;
  readonly transactionGoesOn: boolean;
}

/** What each event requests. */
const effects: Readonly<Record<Event['kind'], Effect>> = {
  'kernel-arrived': { list: 'touched', dropOnly: false, transactionGoesOn: true },
  'kernel-touched': { list: 'touched', dropOnly: false, transactionGoesOn: false },
  'kernel-leaving': { list: 'leaving', dropOnly: true, transactionGoesOn: false },
  'source-touched': { list: 'touched', dropOnly: false, transactionGoesOn: false },
  'source-leaving': { list: 'leaving', dropOnly: true, transactionGoesOn: false },
  'transaction-ended': { dropOnly: false, transactionGoesOn: false },
};

const releaseOf = (event: Event): string[] => ('release' in event ? [event.release] : []);
const sourceOf = (event: Event): string[] => ('source' in event ? [event.source] : []);
const once = (names: readonly string[]): string[] => [...new Set(names)];

const namedIn = (events: readonly Event[], list: 'touched' | 'leaving'): Named => {
  const listed = events.filter((event) => effects[event.kind].list === list);
  return { kernels: once(listed.flatMap(releaseOf)), sources: once(listed.flatMap(sourceOf)) };
};

const scopeOf = (manager: Manager | 'none', events: readonly Event[]): KernelScope => {
  if (manager === 'none') return { kind: 'usual' };
  if (manager === 'pacman') return { kind: 'bootable' };
  return { kind: 'current', releases: once(events.flatMap(releaseOf)) };
};

/** What waits may be about a kernel that is not the running one. */
const withKernels = (scope: KernelScope, kernels: readonly string[]): KernelScope => {
  if (scope.kind === 'running' && kernels.length > 0) return { kind: 'current', releases: kernels };
  const isOpen = scope.kind === 'current' || (scope.kind === 'usual' && kernels.length > 0);
  return isOpen ? { ...scope, releases: once([...(scope.releases ?? []), ...kernels]) } : scope;
};

/** A run for certain kernels, which others do not join. */
export const isOfFewKernels = ({ kind }: KernelScope): boolean => kind === 'only' || kind === 'here';

/** Hooks that run before the one that makes the initramfs of this kernel. */
const makesInitramfsLater = (event: Event): boolean =>
  event.kind === 'kernel-arrived' || (event.kind === 'kernel-touched' && event.image === true);

/**
 * A request with what earlier hooks could not do. Whether what they named has come or gone by now is found by
 * looking: a removal that was announced may have failed.
 */
export const withQueued = (request: SyncRequest, queued: readonly Event[]): SyncRequest => {
  const { scope, touched } = request;
  const kernels = isOfFewKernels(scope) ? [] : queued.flatMap(releaseOf);
  return {
    ...request,
    scope: withKernels(scope, kernels),
    touched: {
      kernels: once([...touched.kernels, ...kernels]),
      sources: once([...touched.sources, ...queued.flatMap(sourceOf)]),
    },
  };
};

/**
 * What a hook run asks the engine for. No events at all (a removal hook that named nothing of ours)
 * asks for nothing: a run that only drops, with nothing to drop.
 */
export const requestOf = (
  manager: Manager | 'none',
  events: readonly Event[],
  options: { readonly dryRun: boolean },
): SyncRequest => ({
  verb: 'sync',
  origin: 'hook',
  scope: scopeOf(manager, events),
  touched: namedIn(events, 'touched'),
  leaving: namedIn(events, 'leaving'),
  transactionGoesOn: events.some((event) => effects[event.kind].transactionGoesOn),
  initramfsFollows: once(events.filter(makesInitramfsLater).flatMap(releaseOf)),
  dropOnly: events.every((event) => effects[event.kind].dropOnly),
  dryRun: options.dryRun,
});
