import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { expectUseless } from './asking.ts';
import { type Fleet, must, openFleet, push } from './fleet.ts';

/** A machine that lacks a program which only prebuilt builds want: it says which, and how to get it. */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

describe.each(kernels)('a machine ($release)', (kernel) => {
  let fleet: Fleet;
  beforeAll(async () => {
    const opened = await openFleet(kernel);
    ({ fleet } = opened);
    await push(opened.builder);
  });
  afterAll(() => fleet.network.stop());

  it.each([
    ['skopeo', /skopeo: command not found \(apt install skopeo\)/],
    ['ssh-keygen', /ssh-keygen: command not found \(apt install openssh-client\)/],
  ])('without %s', (program, why) => expectUseless(fleet, why, {}, (node) => must(node, 'rm', `/usr/bin/${program}`)));
});
