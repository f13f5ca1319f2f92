import { FailureError } from '../engine/errors.ts';
import { type Adapter, isCleanName } from '../events.ts';

const usages = {
  postinst: 'kmodsort hook run apt postinst KERNEL [IMAGE]',
  prerm: 'kmodsort hook run apt prerm KERNEL',
};

const releaseIn = (word: 'postinst' | 'prerm', release: string | undefined): string => {
  if (release !== undefined && isCleanName(release)) return release;
  throw new FailureError({ kind: 'bad-usage', at: `hook run apt ${word}`, detail: usages[word] });
};

/** apt and dpkg: the kernel packages' postinst.d and prerm.d, and our own package's trigger and configure. */
export const apt: Adapter = {
  readsStdin: () => false,
  events: ([word, release]) => {
    if (word === 'postinst') return [{ kind: 'kernel-arrived', release: releaseIn(word, release) }];
    if (word === 'prerm') return [{ kind: 'kernel-leaving', release: releaseIn(word, release) }];
    if (word === 'trigger' || word === 'configure') return [{ kind: 'transaction-ended' }];
    throw new FailureError({
      kind: 'bad-usage',
      at: ['hook run apt', word].join(' ').trim(),
      detail: 'kmodsort hook run apt postinst|prerm KERNEL, trigger [NAMES] or configure',
    });
  },
};
