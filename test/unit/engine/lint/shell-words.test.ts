import { describe, expect, it } from 'vitest';
import { assignmentsOf, programOf, shellCommands } from '../../../../src/engine/lint/shell-words.ts';

const words = (text: string): (readonly string[])[] => shellCommands(text).map((command) => command.words);

describe('shellCommands', () => {
  it.each([
    ['a list', 'a 1 && b 2 || c; d & e | f', [['a', '1'], ['b', '2'], ['c'], ['d'], ['e'], ['f']]],
    [
      'a group',
      '(make a; make b)',
      [
        ['make', 'a'],
        ['make', 'b'],
      ],
    ],
    ['quotes', `make X='a b' "c;d" e\\ f`, [['make', 'X=a b', 'c;d', 'e f']]],
    [
      'expansions as they are',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell's or make's.
      'make -C /lib/modules/$(uname -r)/build M=`pwd` "${a:-$(b; c)}"',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell's or make's.
      [['make', '-C', '/lib/modules/$(uname -r)/build', 'M=`pwd`', '${a:-$(b; c)}']],
    ],
    ['a comment', 'a # b; c\nd', [['a'], ['d']]],
    ['a continued line', 'a \\\n  b', [['a', 'b']]],
    [
      'words that only lead',
      'if a; then b; elif c; then d; else e; fi; while f; do g; done',
      [['a'], ['b'], ['c'], ['d'], ['e'], ['f'], ['g']],
    ],
    ['a here document', 'cat <<END\ncurl x\nEND\nb', [['cat'], ['b']]],
    ['nothing', '', []],
  ])('cuts %s', (_what, text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('tells files that output goes to from descriptors and input', () => {
    const [first, second] = shellCommands('a >> /etc/x 2>&1 < y; b > z');
    expect([first?.words, first?.outputs, second?.outputs]).toEqual([['a'], ['/etc/x'], ['z']]);
  });

  it('counts lines and depth', () => {
    const text = 'a\nif b; then\n  c\nfi\ncat << E\nx\nE\nd "\n" e\nf\ng() {\n  h\n}\n';
    expect(shellCommands(text).map(({ words: [word], line, depth }) => [word, line, depth])).toEqual([
      ['a', 0, 0],
      ['b', 1, 1],
      ['c', 2, 1],
      ['cat', 4, 0],
      ['d', 7, 0],
      ['f', 9, 0],
      ['g', 10, 0],
      ['h', 11, 1],
    ]);
  });

  it.each([
    ['A=1 B= make x', ['make', 'x'], ['A=1', 'B=']],
    ['nice make x', ['make', 'x'], []],
    ['command -v curl', ['command', '-v', 'curl'], []],
    ['A=1', [], ['A=1']],
  ])('finds program and assignments of %s', (text, program, assignments) => {
    const [command] = shellCommands(text);
    expect([command && programOf(command), command && assignmentsOf(command)]).toEqual([program, assignments]);
  });

  it.each(['"', "'", '`', '$(', '${', '((', '\\', 'a "b', '<<', '<< END', '>', '\0'])('ends on %j', (text) => {
    expect(shellCommands(text).length).toBeLessThan(3);
  });
});
