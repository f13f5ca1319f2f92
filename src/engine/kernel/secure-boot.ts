import type { Processes } from '../system/exec.ts';

/** What the firmware thinks of a certificate: `pending` is asked for, and has to be confirmed at the next boot. */
export type Enrolment = 'not-needed' | 'enrolled' | 'pending' | 'missing';

/**
 * Whether the firmware will take what we sign. Asked of mokutil(1); where it is missing nothing is needed.
 * With the validation of shim switched off the kernel counts Secure Boot as off, too.
 */
export const enrolmentOf = async (certificate: string, processes: Processes): Promise<Enrolment> => {
  const ask = (words: readonly string[]) => processes.ask(['mokutil', ...words], { limit: 10 });
  const state = await ask(['--sb-state']);
  if (!/SecureBoot enabled/i.test(state.output) || /disabled in shim/i.test(state.output)) return 'not-needed';
  const { output, errors } = await ask(['--test-key', certificate]);
  if (/already enrolled/i.test(output + errors)) return 'enrolled';
  return /in the enrollment request/i.test(output + errors) ? 'pending' : 'missing';
};
