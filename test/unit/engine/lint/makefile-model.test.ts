import { describe, expect, it } from 'vitest';
import { modelOf, type Reading, reachedRules } from '../../../../src/engine/lint/makefile-model.ts';

const reading = (given: Readonly<Record<string, string>> = {}, role: Reading['role'] = 'top'): Reading => ({
  role,
  given: new Map(Object.entries(given)),
  environment: new Map([['FROM_OUTSIDE', 'outside']]),
});

describe('variables', () => {
  it.each([
    ['A = 1', '1'],
    ['B = 2\nA = $(B)\nB = 3', '3'],
    ['B = 2\nA := $(B)\nB = 3', '2'],
    ['A = 1\nA ?= 2', '1'],
    ['A ?= 2', '2'],
    ['A = 1\nA += 2', '1 2'],
    ['export A := 1 # not 2', '1'],
    ['A = a\\\n  b', 'a b'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell's or make's.
    ['FROM_OUTSIDE ?= x\nA = ${FROM_OUTSIDE}', 'outside'],
    ['ifdef B\nA = 1\nelse\nA = 2\nendif', '2'],
    ['B = x\nifeq ($(B),x)\nA = 1\nelse\nA = 2\nendif', '1'],
    ["B = x\nifneq '$(B)' 'x'\nA = 1\nelse ifeq (1,1)\nA = 2\nelse\nA = 3\nendif", '2'],
    ['define C\nA = 9\nendef\nA = 1', '1'],
    ['ifeq (,$(shell true))\nA = 1\nendif', '$(A)'],
    ['A = $(shell echo $(B))', '$(shell echo )'],
    ['A = $(A)', expect.any(String)],
  ])('%j', (text, value) => {
    expect(modelOf(text, reading()).expand('$(A)')).toEqual(value);
  });

  it('of the command line stand above the file', () => {
    const text = 'A := 1\nA += 2\noverride B = 3\n';
    expect(modelOf(text, reading({ A: 'x', B: 'y' })).expand('$(A) $(B)')).toBe('x 3');
  });

  it('are not known to be empty where kbuild, or another file, may set them', () => {
    expect(modelOf('', reading({}, 'kbuild')).expand('$(CONFIG_PCI)')).toBe('$(CONFIG_PCI)');
    expect(modelOf('include other.mk', reading()).expand('$(A)')).toBe('$(A)');
    expect(modelOf('', reading()).expand('$(A)|$(MAKE)|$@')).toBe('|$(MAKE)|$@');
  });
});

it('gives up on variables that are more than text', () => {
  const lines = Array.from({ length: 18 }, (_, i) => `A${i} = $(A${i + 1})$(A${i + 1})$(A${i + 1})$(A${i + 1})`);
  const model = modelOf(`${lines.join('\n')}\nA18 = x\n`, reading());
  const before = Date.now();
  model.expand('$(A0)');
  expect(Date.now() - before).toBeLessThan(2000);
});

describe('originOf', () => {
  const text = 'KVER ?= $(shell uname -r)\nKDIR := /lib/modules/$(KVER)/build\n';
  it('finds the line and variable that a lookup comes from', () => {
    const lookup = '$(shell uname -r)';
    expect(modelOf(text, reading()).originOf('make -C $(KDIR)', 9)).toEqual({ lookup, line: 1, variable: 'KVER' });
    expect(modelOf(text, reading()).originOf('echo $(shell uname -r)', 9)).toEqual({ lookup, line: 9 });
  });
  it.each([{ KVER: '6.1' }, { KDIR: '/headers' }])('finds none with %j', (given) => {
    expect(modelOf(text, reading(given)).originOf('make -C $(KDIR)', 9)).toBeUndefined();
  });
});

describe('reachedRules', () => {
  const targets = (text: string, goals: readonly string[] = [], given = {}): string[] =>
    reachedRules(modelOf(text, reading(given)), goals).flatMap((rule) => [...rule.targets]);
  it.each([
    ['.PHONY: all\nall: a b\na:\nb: c\nc:\ninstall:\n', [], ['all', 'a', 'b', 'c']],
    ['all:\ninstall: all\n', ['install'], ['install', 'all']],
    ['%.o: %.c\nall:\n', [], ['all']],
    ['L = a b\nall: $(L)\n$(L):\n', [], ['all', 'a', 'b']],
    ['all: all\n', [], ['all']],
    ['ifeq ($(shell x),1)\nall:\nendif\nother:\n', [], []],
    ['A = 1\n', [], []],
  ])('%j %j', (text, goals, expected) => {
    expect(targets(text, goals)).toEqual(expected);
  });

  it('keeps recipes with their lines, and leaves out those of other branches', () => {
    const text = 'all:\n\t@echo a\n\n\t# no\nifdef X\n\tb\nelse\n\tc \\\n\td\nendif\nx: ; e\n';
    expect(reachedRules(modelOf(text, reading()), ['all', 'x']).flatMap((rule) => [...rule.recipe])).toEqual([
      { text: '@echo a', line: 2 },
      { text: 'c \\\n\td', line: 8 },
      { text: 'e', line: 11 },
    ]);
  });
});
