import { identityOf } from './files.ts';

/** Whether our root is another than that of process 1; no where one may not look. */
export const isInChroot = (): boolean => {
  const [here, there] = [identityOf('/'), identityOf('/proc/1/root/.')];
  return here !== undefined && there !== undefined && here !== there;
};
