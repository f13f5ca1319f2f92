import { FailureError } from '../engine/errors.ts';
import { isCleanName } from '../engine/system/names.ts';
import type { Adapter } from './events.ts';

const usages = {
  postinst: 'kmodsort hook run apt postinst KERNEL [IMAGE]',
  prerm: 'kmodsort hook run apt prerm KERNEL',
  source: 'kmodsort hook run apt source NAME VERSION',
};

const releaseIn = (word: 'postinst' | 'prerm', release: string | undefined): string => {
  if (release !== undefined && isCleanName(release)) return release;
  throw new FailureError({ kind: 'bad-usage', at: `hook run apt ${word}`, detail: usages[word] });
};

/** A module package's postinst names what it brought; its directory has both words in its name. */
const sourceIn = (name: string | undefined, version: string | undefined): string => {
  const source = `${name}-${version}`;
  if (name && version && isCleanName(source)) return source;
  throw new FailureError({ kind: 'bad-usage', at: 'hook run apt source', detail: usages.source });
};

/** apt and dpkg: the kernel packages' postinst.d and prerm.d, module packages' postinst, and our own package's trigger and configure. */
export const apt: Adapter = {
  readsStdin: () => false,
  events: ([word, release, version]) => {
    if (word === 'postinst') return [{ kind: 'kernel-arrived', release: releaseIn(word, release) }];
    if (word === 'prerm') return [{ kind: 'kernel-leaving', release: releaseIn(word, release) }];
    if (word === 'source') return [{ kind: 'source-touched', source: sourceIn(release, version) }];
    if (word === 'trigger' || word === 'configure') return [{ kind: 'transaction-ended' }];
    throw new FailureError({
      kind: 'bad-usage',
      at: ['hook run apt', word].join(' ').trim(),
      detail: 'kmodsort hook run apt postinst|prerm KERNEL, source NAME VERSION, trigger [NAMES] or configure',
    });
  },
};
