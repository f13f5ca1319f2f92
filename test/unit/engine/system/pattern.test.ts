import { describe, expect, it } from 'vitest';
import { matches } from '../../../../src/engine/system/pattern.ts';

describe('a pattern of the shell', () => {
  it.each([
    ['6.1.*', '6.1.0-13-amd64', true],
    ['6.1.*', '6.12.0-13-amd64', false],
    ['6.1.*', '6x1.0', false],
    ['*-cloud-amd64', '6.1.0-13-cloud-amd64', true],
    ['*-cloud-amd64', '6.1.0-13-amd64', false],
    ['*-cloud-amd64', '6.1.0-13-cloud-amd64-dbg', false],
    ['*', 'anything', true],
    ['6.1.0-13-amd64', '6.1.0-13-amd64', true],
    ['6.1.0-13-amd64', '6.1.0-13-amd642', false],
    ['6.1.0-1?-amd64', '6.1.0-13-amd64', true],
    ['6.1.0-1?-amd64', '6.1.0-1-amd64', false],
    ['6.[1-5].*', '6.5.0', true],
    ['6.[1-5].*', '6.6.0', false],
    ['6.[!1-5].*', '6.6.0', true],
    ['6.[^1-5].*', '6.5.0', false],
    ['6.[]x].0', '6.].0', true],
    ['6.[1', '6.[1', true],
    ['[z-a]', 'b', false],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['a+b(c)|d', 'a+b(c)|d', true],
    ['6.12.117+deb12-*', '6.12.117+deb12-cloud-amd64', true],
    ['', '', true],
    ['', 'x', false],
  ])('%j fits %j: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });
});
