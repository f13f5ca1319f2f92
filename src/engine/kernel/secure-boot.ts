import type { Processes } from '../system/exec.ts';

/** What the firmware thinks of a certificate: `pending` is asked for, and has to be confirmed at the next boot. */
export type Enrolment = 'not-needed' | 'enrolled' | 'pending' | 'missing';

/**
 * Asked of mokutil(1); where it is missing it counts as off. With the validation of shim switched off the kernel counts
 * it as off, too.
 */
export const isSecureBootOn = async (processes: Processes): Promise<boolean> => {
  const { output } = await processes.ask(['mokutil', '--sb-state'], { limit: 10 });
  return /SecureBoot enabled/i.test(output) && !/disabled in shim/i.test(output);
};

/** Whether the firmware will take what we sign. */
export const enrolmentOf = async (certificate: string, processes: Processes): Promise<Enrolment> => {
  if (!(await isSecureBootOn(processes))) return 'not-needed';
  const { output, errors } = await processes.ask(['mokutil', '--test-key', certificate], { limit: 10 });
  if (/already enrolled/i.test(output + errors)) return 'enrolled';
  return /in the enrollment request/i.test(output + errors) ? 'pending' : 'missing';
};
