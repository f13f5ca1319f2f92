import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { repository } from '../kernels.ts';
import { type Fleet, kmodsort, must, names, openFleet } from './fleet.ts';
import type { FleetNode } from './node.ts';
import { letInsecureOn, startRegistryOn } from './registry-server.ts';

/** docs/fleet.md as somebody does it who reads it for the first time: its own lines, on the machines that it names. */

const provision = inject('fleet');
const [kernel] = 'missing' in provision ? [] : provision.kernels;

const page = readFileSync(join(repository, 'docs/fleet.md'), 'utf8');

/** The lines of shell for a machine with a word in them. */
const linesFor = (who: string, word: string): string => {
  const blocks = [...page.matchAll(/^```sh ([a-z ]+)\n([\s\S]*?)^```$/gm)];
  const found = blocks.find(([, whom = '', lines = '']) => whom.split(' ').includes(who) && lines.includes(word));
  if (!found?.[2]) throw new Error(`docs/fleet.md has no lines for the ${who} with ${word}`);
  return found[2];
};

const program = `${process.execPath} ${join(repository, 'dist/kmodsort.mjs')}`;

/** Line by line it has to go well. */
const follow = async (node: FleetNode, lines: string): Promise<string> => {
  node.write('/usr/local/bin/kmodsort', `#!/bin/sh\nexec ${program} "$@"\n`, 0o755);
  return must(node, 'sh', '-euc', lines);
};

const inNetwork = async (
  run: (fleet: Fleet, builder: FleetNode, machine: FleetNode) => Promise<void>,
): Promise<void> => {
  if (!kernel) return;
  const { fleet } = await openFleet(kernel);
  try {
    const [builder, machine] = [await fleet.machine('builder1'), await fleet.machine('machine1')];
    await fleet.registry.stop();
    const [, config = ''] = /<< 'END'\n([\s\S]*?)^END$/m.exec(linesFor('registry', 'config.yml')) ?? [];
    fleet.registry = await startRegistryOn(fleet.registryNode, { config });
    for (const node of [builder, machine]) {
      await must(node, 'rm', '-rf', '/etc/kmodsort', '/etc/dkms/framework.conf', '/etc/containers/registries.conf.d');
      await follow(node, linesFor('machine', 'insecure = true'));
    }
    await run(fleet, builder, machine);
  } finally {
    await fleet.network.stop();
  }
};

/** The builder does as the page says; its line of allowed_signers. */
const build = async (builder: FleetNode): Promise<string> => {
  const said = await follow(builder, linesFor('builder', 'kmodsort sync'));
  return said.trim().split('\n').at(-1) ?? '';
};

/** A machine does as the page says, with the line of the builder in place of the page's. */
const take = (machine: FleetNode, line: string, registry = 'registry:5000'): Promise<string> => {
  const lines = linesFor('machine', 'kmodsort sync').replace(/^builder1@.*$/m, line);
  return follow(machine, lines.replaceAll('registry:5000', registry));
};

describe.skipIf(kernel === undefined)('the guide to a fleet', () => {
  it('makes a builder, a machine that takes its builds, and a new key', () =>
    inNetwork(async (fleet, builder, machine) => {
      const line = await build(builder);
      expect(line).toMatch(/^builder1@example\.org namespaces="kmodsort-artifact-v1" ssh-ed25519 AAAA\S+$/);
      expect(await take(machine, line)).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by builder1@example\.org/);
      expect(fleet.installed(machine)).toEqual([...names]);
      const again = await follow(builder, linesFor('builder', 'push_key.2'));
      expect(again).toContain('2 pushed');
      const next = await fleet.machine('machine2');
      const [, key = ''] = builder.read('/etc/kmodsort/push_key.2.pub').split(' ');
      const rest = line.replace(/AAAA\S+$/, key);
      await must(next, 'rm', '/etc/dkms/framework.conf');
      expect(await take(next, rest)).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by builder1@example\.org/);
    }));

  it('fills the registry of a site from a directory that was carried there', () =>
    inNetwork(async (fleet, builder, machine) => {
      const line = await build(builder);
      await must(builder, 'mkdir', '/srv/kmods');
      await must(builder, 'sed', '-i', 's,^prebuilt=.*,prebuilt="/srv/kmods",', '/etc/dkms/framework.conf');
      expect((await kmodsort(builder, 'push')).said).toContain('2 pushed');
      const site = await fleet.network.node('inside');
      const { host } = await startRegistryOn(site);
      letInsecureOn(site, [host]);
      letInsecureOn(machine, [host]);
      await must(builder, 'tar', '-C', '/srv', '-cf', '/var/tmp/disk.tar', 'kmods');
      copyFileSync(builder.path('/var/tmp/disk.tar'), site.path('/var/tmp/disk.tar'));
      await must(site, 'tar', '-C', '/srv', '-xf', '/var/tmp/disk.tar');
      await follow(site, linesFor('site', 'skopeo copy').replaceAll('registry:5000', host));
      const said = await take(machine, line, host);
      expect(said).toMatch(/ {2}installed {2}low\/1\.0 +\S+ +prebuilt by builder1@example\.org/);
    }));
});
