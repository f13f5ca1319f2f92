import { describe, expect, it } from 'vitest';
import type { PlanInput } from '../../../../src/engine/plan/candidates.ts';
import { makePlan } from '../../../../src/engine/plan/make-plan.ts';
import { added, inputOf, installed, sameObject, unreadable } from './plan-world.ts';

/** Of each Job: those that it is behind, and those whose object it replaces. */
const sharing = (input: PlanInput): object =>
  Object.fromEntries(
    makePlan(input).jobs.map(({ module, behind = [], replaces = [] }) => [
      module.name,
      {
        behind: behind.map((id) => id.split('/')[0]),
        replaces: replaces.map(({ object, of }) => `${object} of ${of.name}`),
      },
    ]),
  );

const alone = { behind: [], replaces: [] };

describe('modules that install the same object', () => {
  it.each<[string, PlanInput, object]>([
    [
      'are built one behind the other, and the last one is told whose place it takes',
      inputOf([
        added('a', [], {}, sameObject),
        added('b', [], {}, sameObject),
        added('c', [], {}, sameObject),
        added('d'),
      ]),
      {
        a: alone,
        b: { behind: ['a'], replaces: [] },
        c: { behind: ['a', 'b'], replaces: ['same of a', 'same of b'] },
        d: alone,
      },
    ],
    [
      'take the place of one that is installed',
      inputOf([added('a', [], {}, sameObject), installed('b', [], {}, sameObject)]),
      { a: { behind: [], replaces: ['same of b'] } },
    ],
    [
      'leave alone what is not installed and is not going to be',
      inputOf([added('a', [], {}, sameObject), added('b', [], {}, { ...sameObject, autoinstall: false })]),
      { a: alone },
    ],
    [
      'are none that have other objects, or no conf',
      inputOf([
        installed('a'),
        unreadable('b', { kind: 'conf-broken' }, { installed: '1.0' }),
        added('c', [], {}, sameObject),
      ]),
      { c: alone },
    ],
    ['are no other than itself', inputOf([installed('b', [], { changed: ['conf'] }, sameObject)]), { b: alone }],
  ])('%s', (_, input, expected) => {
    expect(sharing(input)).toEqual(expected);
  });
});
