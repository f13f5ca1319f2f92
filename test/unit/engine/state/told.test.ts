import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rememberTold, toldIn } from '../../../../src/engine/state/told.ts';
import { temporaryDirectory } from '../../temporary.ts';

it('what was told counts in its own transaction alone', () => {
  const state = join(temporaryDirectory(), 'state');
  expect(toldIn(state, '1:1')).toEqual(new Set());
  rememberTold(state, '1:1', ['a/1@k/x', 'b/1@k/x']);
  rememberTold(state, '1:1', ['c/1@k/x']);
  rememberTold(state, '1:1', []);
  expect(toldIn(state, '1:1')).toEqual(new Set(['a/1@k/x', 'b/1@k/x', 'c/1@k/x']));
  expect(toldIn(state, '2:1')).toEqual(new Set());
  rememberTold(state, '2:1', ['a/1@k/x']);
  expect(toldIn(state, '1:1')).toEqual(new Set());
});
