/** JSON that others wrote: nothing of it is believed before it was looked at. Pure. */

/** What is in braces. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => value instanceof Object;

/** The value of a text; undefined where it is no JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
