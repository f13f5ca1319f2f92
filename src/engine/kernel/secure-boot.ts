import type { Processes } from '../system/exec.ts';

/**
 * Whether the firmware will take what we sign: Secure Boot is on and the certificate is not enrolled.
 * Asked of mokutil(1); where it is missing nothing is said.
 */
export const isUnenrolled = async (certificate: string, processes: Processes): Promise<boolean> => {
  const ask = (words: readonly string[]) => processes.ask(['mokutil', ...words], { limit: 10 });
  const state = await ask(['--sb-state']);
  if (!/SecureBoot enabled/i.test(state.output)) return false;
  const test = await ask(['--test-key', certificate]);
  return !/already enrolled/i.test(test.output + test.errors);
};
