import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { quoteWord } from '../../../../src/engine/system/shell.ts';

describe('quoteWord', () => {
  it.each(['6.1.0-56-amd64', '/lib/modules/6.1~rc1', 'a=b', 'x@y%z+:,'])('leaves %s as it is', (word) => {
    expect(quoteWord(word)).toBe(word);
  });
  it.each(['', 'a b', "it's", '$HOME', '`id`', '~', '~root/x', 'a;b', 'a\nb', '*', 'ä', "'", '\\'])(
    'makes one word of %j for a shell',
    (word) => {
      expect(quoteWord(word)).not.toBe(word);
      expect(execFileSync('sh', ['-c', `printf %s ${quoteWord(word)}`], { encoding: 'utf8' })).toBe(word);
    },
  );
});
