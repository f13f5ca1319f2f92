import { describe, expect, it } from 'vitest';
import { FailureError } from '../../../../src/engine/errors.ts';
import { checkVermagics, vermagicProblem } from '../../../../src/engine/kernel/vermagic.ts';
import { failureDetail } from '../../../../src/report/failures.ts';
import { problemSentence } from '../../../../src/report/problems.ts';

const release = '6.1.0-1';
const vermagic = `${release} SMP mod_unload modversions`;

describe('a version string', () => {
  it.each<[string, string, string | undefined, string | undefined]>([
    ['that is that of the headers', vermagic, vermagic, undefined],
    ['of another kernel', '6.2.0 SMP', vermagic, `version magic '6.2.0 SMP' should be '${vermagic}'`],
    [
      'of the same release with other options',
      `${release} SMP preempt`,
      vermagic,
      `version magic '${release} SMP preempt' should be '${vermagic}'`,
    ],
    ['that is not there', '', vermagic, `version magic '' should be '${vermagic}'`],
    ['of the release, where there are no headers', `${release} SMP preempt`, undefined, undefined],
    [
      'that begins as the release does',
      `${release}2 SMP`,
      undefined,
      `version magic '${release}2 SMP' should be '${release}'`,
    ],
    ['of the release, where the headers are of another one', `${release} SMP`, '6.9.9 SMP', undefined],
    [
      'that is that of headers of another release',
      '6.9.9 SMP',
      '6.9.9 SMP',
      `version magic '6.9.9 SMP' should be '${release}'`,
    ],
    ['of the release, where the headers have an empty one', `${release} SMP`, '', undefined],
  ])('%s', (_title, found, ofHeaders, problem) => {
    const refusal = vermagicProblem(found, release, ofHeaders);
    expect(refusal && problemSentence(refusal)).toBe(problem);
  });
});

describe('the check after a build', () => {
  const refused = (ofHeaders: string | undefined, found: readonly string[]): unknown => {
    try {
      checkVermagics(release, ofHeaders, ['one.ko', 'two.ko'], found);
      return undefined;
    } catch (error) {
      if (!(error instanceof FailureError)) return error;
      const { kind, at } = error.failure;
      return { kind, at, detail: failureDetail(error.failure) };
    }
  };

  it('goes by the same rule and names the first object that is wrong', () => {
    expect(refused(vermagic, [vermagic, vermagic])).toBeUndefined();
    expect(refused('6.9.9 SMP', [vermagic, `${release} other`])).toBeUndefined();
    expect(refused(vermagic, [vermagic, '6.2.0'])).toEqual({
      kind: 'wrong-kernel',
      at: 'two.ko',
      detail: `version magic '6.2.0' should be '${vermagic}'`,
    });
  });

  it('refuses an object that says nothing', () => {
    expect(refused(undefined, [vermagic])).toMatchObject({
      at: 'two.ko',
      detail: `version magic '' should be '${release}'`,
    });
  });
});
