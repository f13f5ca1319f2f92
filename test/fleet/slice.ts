/** `npm run test:fleet -- --slice` leaves out what takes long and is like something else. */

export const isSlice = process.env.FLEET_SLICE !== undefined;

/** Cases of a table that a slice leaves out. */
export const thorough = <T>(...cases: readonly T[]): readonly T[] => (isSlice ? [] : cases);
