import type { MissingModule, VerifiedKernel, VerifyAnswer } from '../engine/answers.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureDetail, failureInOneLine } from './failures.ts';
import { counted, uncheckedSymbols } from './messages.ts';

const missingLine = ({ name, version, failure }: MissingModule): string => {
  const why = failure ? `: ${failureInOneLine(failure)}` : '';
  return version === undefined ? `  ${name} is not in the dkms tree` : `  ${name}/${version} is not installed${why}`;
};

const missingLines = ({ release, missing }: VerifiedKernel): string[] => {
  const required = missing.filter((one) => one.required).map(({ name }) => name);
  const warning = `${release}: do not reboot into it: required modules are missing: ${required.join(', ')}`;
  if (missing.length === 0) return [];
  return [
    `${release}: ${counted(missing.length, 'module')} missing`,
    ...missing.map(missingLine),
    ...(required.length > 0 ? [warning] : []),
  ];
};

const uncheckedLines = ({ unchecked }: VerifiedKernel): string[] =>
  unchecked.map((one) => `  ${moduleLabel(one.module)}: ${uncheckedSymbols(one)}`);

const objectLines = (kernel: VerifiedKernel): string[] => {
  const { release, objects, certain, failures } = kernel;
  if (objects === 0) return [`${release}: no modules installed`];
  if (failures.length === 0 && !certain) {
    return [`${release}: cannot verify ${counted(objects, 'object')} without the kernel headers; the release is right`];
  }
  if (failures.length === 0) return [`${release}: ${counted(objects, 'object')} will load`, ...uncheckedLines(kernel)];
  return [
    `${release}: ${failures.length} of ${counted(objects, 'object')} will NOT load`,
    ...failures.map(
      ({ module, failure }) => `  ${moduleLabel(module)}  ${failure.at}: ${failureDetail(failure) ?? ''}`,
    ),
    ...uncheckedLines(kernel),
  ];
};

/** What will load on each kernel, and why what will not. */
export const verifiedLines = ({ kernels, failures }: VerifyAnswer): string[] => [
  ...kernels.flatMap((kernel) => [...objectLines(kernel), ...missingLines(kernel)]),
  ...(kernels.length === 0 && failures.length === 0 ? ['no kernels found'] : []),
  ...failures.map((failure) => `FAILED: ${failureInOneLine(failure)}`),
];
