import { type Failure, systemFailure } from '../errors.ts';

/**
 * What a look at files comes to, or what is made of the reason where the system refuses it: a circle of links, a disk
 * that fails, a server that is away. So one thing that cannot be looked at costs itself alone.
 */
export const lookOr = <T>(look: () => T, otherwise: (why: Failure) => T): T => {
  try {
    return look();
  } catch (error) {
    const why = systemFailure(error);
    if (!why) throw error;
    return otherwise(why);
  }
};
