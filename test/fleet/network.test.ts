import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { hub, makeNetwork, type Network } from './network.ts';
import { letInsecureOn, startRegistryOn } from './registry-server.ts';

/** The ground that the other tests of a fleet stand on. */

const isMissing = 'missing' in inject('fleet');

describe.skipIf(isMissing)('a network of machines', () => {
  let network: Network;
  beforeEach(() => {
    network = makeNetwork();
  });
  afterEach(() => network.stop());

  it('has names, addresses and roots of their own, and daemons that end with it', async () => {
    const [one, two] = [await network.node('one'), await network.node('two')];
    expect((await one.sh('hostname; getent hosts two hub; cat /etc/hostname')).stdout.split(/\s+/)).toEqual([
      'one',
      two.address,
      'two',
      hub,
      'hub',
      'one',
      '',
    ]);
    const server = two.start([process.execPath, '-e', 'require("net").createServer((s) => s.end("two")).listen(7)']);
    const poll = { timeout: 10_000 };
    const call = 'require("net").connect(7, "two").on("data", (text) => console.log(String(text)))';
    await expect.poll(async () => (await one.run([process.execPath, '-e', call])).stdout, poll).toBe('two\n');
    one.write('/etc/dkms/framework.conf', '# of one\n');
    await one.sh('echo one > /var/tmp/mine; echo one > /run/mine; touch /var/lib/dkms/mine');
    expect((await two.sh('ls -A /etc/dkms /var/lib/dkms /usr/lib/modules /usr/src; cat /run/mine')).stdout).toBe(
      '/etc/dkms:\n\n/usr/lib/modules:\n\n/usr/src:\n\n/var/lib/dkms:\n',
    );
    expect(existsSync('/var/tmp/mine') || existsSync('/run/mine')).toBe(false);
    expect(readFileSync(join(one.written, 'var/tmp/mine'), 'utf8')).toBe('one\n');
    network.unplug(two);
    expect((await one.run([process.execPath, '-e', call], { timeout: 1_000 })).stdout).toBe('');
    network.unplug(two, false);
    await one.stop();
    const again = await network.again(one);
    const answer = again.start([process.execPath, '-e', 'require("net").createServer((s) => s.end("one")).listen(7)']);
    await expect
      .poll(async () => (await two.run([process.execPath, '-e', call.replace('"two"', '"one"')])).stdout, poll)
      .toBe('one\n');
    expect((await again.sh('hostname; cat /etc/dkms/framework.conf; ls /run/mine')).stdout).toBe('one\n# of one\n');
    await again.stop();
    await answer.ended;
    const heir = await network.node('heir', { layers: [one.written] });
    expect((await heir.sh('cat /etc/dkms/framework.conf /var/tmp/mine; hostname; ls /run/mine')).stdout).toBe(
      '# of one\none\nheir\n',
    );
    expect(two.processes()).toHaveLength(1);
    await network.stop();
    await server.ended;
    expect(spawnSync('ip', ['link', 'show', 'fleet']).status).not.toBe(0);
  });

  it('has a registry that all of them reach', async () => {
    const node = await network.node('node');
    const registry = await startRegistryOn(await network.node('registry'));
    letInsecureOn(node, [registry.host]);
    const asked = await node.run(['skopeo', 'list-tags', `docker://${registry.host}/none`]);
    expect(asked.stderr).toMatch(/not known to registry|404/);
    await registry.stop();
    expect((await node.run(['skopeo', 'list-tags', `docker://${registry.host}/none`])).stderr).toContain('refused');
  });
});
