import type { VerifiedKernel, VerifyAnswer } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { counted } from './messages.ts';

const kernelLines = ({ release, objects, certain, failures }: VerifiedKernel): string[] => {
  if (objects === 0) return [`${release}: nothing is installed`];
  if (failures.length === 0 && !certain) {
    const are = `${counted(objects, 'object')} ${objects === 1 ? 'is' : 'are'} for it`;
    return [`${release}: ${are}; without its headers nobody knows whether ${objects === 1 ? 'it' : 'they'} will load`];
  }
  if (failures.length === 0) return [`${release}: ${counted(objects, 'object')} will load`];
  return [
    `${release}: ${failures.length} of ${counted(objects, 'object')} will NOT load`,
    ...failures.map(({ module, failure }) => `  ${moduleLabel(module)}  ${failure.at}: ${failure.detail}`),
  ];
};

/** What will load on each kernel, and why what will not. */
export const verifiedLines = ({ kernels, failures }: VerifyAnswer): string[] => [
  ...kernels.flatMap(kernelLines),
  ...(kernels.length === 0 && failures.length === 0 ? ['there is no kernel to look at'] : []),
  ...failures.map((failure) => `FAILED: ${failureInOneLine(failure)}`),
];
