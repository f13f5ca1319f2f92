import { describe, expect, it } from 'vitest';
import { type InputClaim, inputPlace, inputText, readInput } from '../../../../src/engine/registry/input.ts';
import {
  type Order,
  type ResultClaim,
  readResult,
  resultPlace,
  resultText,
} from '../../../../src/engine/registry/result.ts';
import type { Layer } from '../../../../src/engine/store/artifacts.ts';

const hash = '1'.repeat(64);
const layer: Layer = {
  blob: { mediaType: 'application/x', digest: `sha256:${hash}`, size: 5 },
  diff: `sha256:${'2'.repeat(64)}`,
};
const malformed = { problem: { problem: 'statement-malformed', at: expect.any(String) } };

describe('the Statement of a source or headers', () => {
  const claim: InputClaim = {
    kind: 'headers',
    name: '6.1.0-56-amd64',
    hash,
    layers: [layer],
    kernelPackage: { manager: 'dpkg', name: 'linux-headers-6.1.0-56-amd64', version: '6.1.170-1' },
  };
  const text = inputText(claim, 'SHA256:abc');
  it('gives back what was put into it, and says the same of the same', () => {
    expect(readInput(claim)(text)).toEqual(claim);
    expect(inputText(claim, 'SHA256:abc')).toBe(text);
    const { kernelPackage: _, ...source } = { ...claim, kind: 'source', name: 'zfs/2.3.9' } as const;
    expect(readInput(source)(inputText(source, 'SHA256:abc'))).toEqual(source);
  });
  it('is in a place that its contents name', () => {
    expect(inputPlace(claim)).toEqual({ repository: 'linux-headers', tag: `headers-${hash}` });
    expect(inputPlace({ kind: 'source', name: 'Foo_Bar/1', hash })).toEqual({
      repository: 'foo_bar',
      tag: `source-${hash}`,
    });
  });
  it.each([
    [{ name: '6.12' }, 'headers 6.1.0-56-amd64 '],
    [{ kind: 'source' as const }, 'headers 6.1.0-56-amd64 '],
    [{ hash: '3'.repeat(64) }, hash],
  ])('is refused where %j is wanted', (more, found) => {
    expect(readInput({ ...claim, ...more })(text)).toEqual({
      problem: { problem: 'other-input', found: expect.stringContaining(found) },
    });
  });
  it.each([
    ['"kind": "headers"', '"kind": "program"'],
    ['"manager": "dpkg"', '"manager": "curl"'],
    ['"diffId": "sha256:', '"diffId": "sha256:../'],
    ['"byproducts": [', '"byproducts": [5,'],
  ])('is refused with %s as %s', (from, to) => {
    const other = text.replace(from, to);
    expect(readInput(claim)(other)).toEqual(other === text ? 'not changed' : malformed);
  });
});

describe('the Statement of a result', () => {
  const order: Order = {
    module: 'zfs/2.3.9',
    release: '6.1',
    inputs: [
      { kind: 'source', name: 'zfs/2.3.9', hash },
      { kind: 'headers', name: '6.1', hash },
    ],
    ticket: 't1',
  };
  const failure = { kind: 'compiler-failed', detail: 'zfs.c:1:1: error: x' } as const;
  const claim: ResultClaim = {
    order: resultPlace(order).tag,
    ticket: 't1',
    outcome: { kind: 'failed', failure, remembered: false },
    unloadable: { count: 1, objects: 2, failure: { kind: 'will-not-load' } },
    seconds: 4.2,
    on: 'node2',
    layers: [layer],
  };
  const text = resultText(claim, 'SHA256:abc');
  it('gives back what was put into it', () => {
    expect(readResult(order)(text)).toEqual(claim);
    const { unloadable: _, ...plain } = { ...claim, outcome: { kind: 'installed' } } as const;
    expect(readResult(order)(resultText(plain, 'SHA256:abc'))).toEqual(plain);
  });
  it('is not taken for that of another order', () => {
    const other = { problem: { problem: 'other-input', found: `${resultPlace(order).tag} t1` } };
    expect(readResult({ ...order, ticket: 't2' })(text)).toEqual(other);
    expect(readResult({ ...order, release: '6.12' })(text)).toEqual(other);
  });
  it('is taken for that of the same order of somebody else where that counts, and of no other', () => {
    expect(readResult({ ...order, ticket: 't2' }, true)(text)).toEqual(claim);
    expect(readResult({ ...order, ticket: 't2', release: '6.12' }, true)(text)).toHaveProperty('problem');
  });
  it('has one place for the same order, whoever asks, and others for others', () => {
    const tags = [
      { ...order, ticket: 't2', inputs: [...order.inputs].reverse() },
      order,
      { ...order, release: '6.12' },
      { ...order, inputs: order.inputs.slice(1) },
    ].map((one) => resultPlace(one).tag);
    expect(tags[0]).toBe(tags[1]);
    expect(new Set(tags).size).toBe(3);
  });
  it.each([
    ['"kind": "failed"', '"kind": "done"'],
    ['"kind": "compiler-failed"', '"kind": "toString"'],
    ['"seconds": 4.2', '"seconds": "4"'],
    ['"objects": 2', '"objects": {}'],
    ['"on": "node2"', '"on": 2'],
  ])('is refused with %s as %s', (from, to) => {
    const other = text.replace(from, to);
    expect(readResult(order)(other)).toEqual(other === text ? 'not changed' : malformed);
  });
});
