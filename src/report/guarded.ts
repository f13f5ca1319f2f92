import type { GuardAnswer } from '../engine/answers.ts';
import { moduleLabel } from '../engine/request.ts';

/** What a transaction would take away; empty where there is nothing to say. */
export const guardedLines = ({ findings }: GuardAnswer): string[] => {
  const stopping = findings.filter((finding) => finding.required);
  const names = [...new Set(stopping.map(({ module }) => module.name))].join(', ');
  return [
    ...findings.map(
      ({ module, release, rule, value, required }) =>
        `kmodsort: ${required ? 'STOP' : 'warning'}: ${moduleLabel(module)} cannot be built for the incoming kernel ${release}: ${rule}=${value}`,
    ),
    ...(stopping.length > 0
      ? [
          `kmodsort: ${names} must not be missing (required_modules): nothing was changed`,
          'kmodsort: to continue anyway, run the same command with sudo KMODSORT_GUARD=off, or hold the kernel back',
        ]
      : []),
  ];
};
