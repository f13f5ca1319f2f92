import type { VerifiedKernel, VerifyAnswer } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureDetail, failureInOneLine } from './failures.ts';
import { counted } from './messages.ts';

const kernelLines = ({ release, objects, certain, failures }: VerifiedKernel): string[] => {
  if (objects === 0) return [`${release}: no modules installed`];
  if (failures.length === 0 && !certain) {
    return [`${release}: cannot verify ${counted(objects, 'object')} without the kernel headers; the release is right`];
  }
  if (failures.length === 0) return [`${release}: ${counted(objects, 'object')} will load`];
  return [
    `${release}: ${failures.length} of ${counted(objects, 'object')} will NOT load`,
    ...failures.map(
      ({ module, failure }) => `  ${moduleLabel(module)}  ${failure.at}: ${failureDetail(failure) ?? ''}`,
    ),
  ];
};

/** What will load on each kernel, and why what will not. */
export const verifiedLines = ({ kernels, failures }: VerifyAnswer): string[] => [
  ...kernels.flatMap(kernelLines),
  ...(kernels.length === 0 && failures.length === 0 ? ['no kernels found'] : []),
  ...failures.map((failure) => `FAILED: ${failureInOneLine(failure)}`),
];
