import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vermagicFor } from '../../../../src/engine/key/vermagics.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const magic = '6.1.0 SMP preempt mod_unload modversions';

/** Asks for the version strings of some headers; what came, and of which kbuild was asked. */
const askFor = async (
  stateDir: string,
  headers: readonly string[],
  { writes = true, isKnown = true } = {},
): Promise<{ got: (string | undefined)[]; asked: string[] }> => {
  const [got, asked]: [(string | undefined)[], string[]] = [[], []];
  for (const one of headers) {
    const ask = async (): Promise<string | undefined> => {
      asked.push(one);
      return isKnown ? magic : undefined;
    };
    got.push(await vermagicFor({ stateDir, writes }, { headers: one, kbuild: one && `kbuild of ${one}` }, ask));
  }
  return { got, asked };
};

describe('the version string of headers', () => {
  it('is asked for once as long as they are the same', async () => {
    const state = temporaryDirectory();
    expect(await askFor(state, ['a', 'b', 'a'])).toEqual({ got: [magic, magic, magic], asked: ['a', 'b'] });
    expect((await askFor(state, ['b', 'c'])).asked).toEqual(['c']);
  });
  it('is asked for each time where it is not known, or headers cannot be looked at', async () => {
    const state = temporaryDirectory();
    const { got, asked } = await askFor(state, ['a', 'a', '', ''], { isKnown: false });
    expect([got, asked]).toEqual([
      [undefined, undefined, undefined, undefined],
      ['a', 'a', '', ''],
    ]);
    expect((await askFor(state, ['', ''])).asked).toEqual(['', '']);
  });
  it('is not written down by who only asks', async () => {
    const state = temporaryDirectory();
    await askFor(state, ['a'], { writes: false });
    expect((await askFor(state, ['a'])).asked).toEqual(['a']);
    expect((await askFor(state, ['a'], { writes: false })).asked).toEqual([]);
  });
  it('is asked for again where the file is not one of ours', async () => {
    const state = temporaryDirectory();
    put(join(state, 'vermagic'), Buffer.from([0, 255, 10, 32, 10]));
    expect((await askFor(state, ['a', 'a'])).asked).toEqual(['a']);
  });
  it('of so many headers makes room for the newest', async () => {
    const state = temporaryDirectory();
    const many = Array.from({ length: 40 }, (_, index) => `h${index}`);
    await askFor(state, many);
    expect((await askFor(state, ['h39', 'h8', 'h7'])).asked).toEqual(['h7']);
  });
});
