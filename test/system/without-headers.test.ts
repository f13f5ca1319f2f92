import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';
import { missingPackages } from '../packages.ts';
import { apt, aptWell, provision, stopMachines } from './apt-machine.ts';
import { keepArchives, realMachine, twoReleases } from './debian.ts';
import type { Machine } from './machine.ts';
import { emulate, emulatorPackages, makeInitramfs } from './qemu.ts';

/**
 * Debian's own kernel on a machine without compiler, make and headers: a module of a registry comes in the transaction that
 * brings the kernel, and the real kernel loads it in an emulator.
 */

afterAll(stopMachines);

const share = '/srv/kmods';

const configure = (machine: Machine, more: string): void =>
  machine.write('/etc/dkms/framework.conf.d/prebuilt.conf', `prebuilt="${share}"\n${more}\n`);

const well = async (machine: Machine, line: string): Promise<string> => {
  const { code, stdout, stderr } = await machine.sh(line);
  if (code !== 0) throw new Error(`${line} ended with ${code}:\n${stdout}${stderr}`);
  return stdout + stderr;
};

/** Bring files of one machine to another. */
const carry = async (from: Machine, to: Machine, ...paths: readonly string[]): Promise<void> => {
  await well(from, `tar -C / -cf /tmp/carried.tar ${paths.map((path) => `.${path}`).join(' ')}`);
  mkdirSync(dirname(to.path('/tmp/carried.tar')), { recursive: true });
  copyFileSync(from.path('/tmp/carried.tar'), to.path('/tmp/carried.tar'));
  await well(to, 'tar -C / -xf /tmp/carried.tar');
};

/** It has the headers, and not even the kernel. */
const makeBuilder = async (): Promise<{ readonly machine: Machine; readonly release: string }> => {
  const machine = await realMachine();
  const [, release] = await twoReleases(machine);
  await aptWell(machine, 'install', `linux-headers-${release}`, 'acpi-call-dkms', 'openssh-client');
  keepArchives(machine);
  await well(
    machine,
    `mkdir -p ${share} /etc/kmodsort && ssh-keygen -q -t ed25519 -N '' -f /etc/kmodsort/push_key &&
     echo "ci@example.org $(cut -d ' ' -f 1,2 /etc/kmodsort/push_key.pub)" > /etc/kmodsort/allowed_signers`,
  );
  configure(machine, 'push_key="/etc/kmodsort/push_key"');
  return { machine, release };
};

/** It can build nothing, and knows the module. */
const makeNode = async (): Promise<Machine> => {
  const machine = await realMachine();
  await aptWell(machine, 'install', 'acpi-call-dkms', 'openssh-client');
  // As docs/prebuilt.md has it.
  const page = readFileSync(join(repository, 'docs/prebuilt.md'), 'utf8');
  const [, lines = 'false'] = /```sh\n(mkdir -p prebuilt-only[\s\S]*?)```/.exec(page) ?? [];
  await well(machine, `set -e; cd /root; ${lines.replace('apt-get install', 'apt-get install -y')}`);
  await aptWell(machine, 'purge', 'gcc', 'gcc-12', 'cpp', 'cpp-12', 'make', 'libc6-dev');
  for (const name of ['gcc', 'cc', 'make']) expect((await machine.sh(`command -v ${name}`)).code, name).not.toBe(0);
  await well(machine, `mkdir -p ${share}`);
  configure(machine, 'prebuilt_policy="only"\nkernel_guard="build"\nrequired_modules="acpi-call"');
  return machine;
};

const init = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox modprobe acpi_call && echo "modprobe acpi_call: well" || echo "modprobe acpi_call: failed"
echo "end of init"
/bin/busybox poweroff -f
`;

const boot = async (machine: Machine, release: string): Promise<string> => {
  const beside = `mkdir -p lib/modules/${release} && cp -a /usr/lib/modules/${release}/modules.* /usr/lib/modules/${release}/updates lib/modules/${release}/`;
  const initramfs = await makeInitramfs(machine, init, beside);
  return emulate({ release, initramfs, end: 'end of init', seconds: 120, options: ['-m', '256'], words: [] });
};

describe.skipIf(!provision || process.arch !== 'x64')('without headers: Debian kernel and module', () => {
  it('is kept from a kernel that lacks a required module, and gets both when a builder has pushed it', async () => {
    const missing = missingPackages(emulatorPackages);
    if (missing) throw new Error(missing);
    const { machine: builder, release } = await makeBuilder();
    const node = await makeNode();
    await carry(builder, node, '/etc/kmodsort/allowed_signers');
    const stopped = await apt(node, 'install', `linux-image-${release}`);
    expect([stopped.code, stopped.stdout + stopped.stderr]).toEqual([
      100,
      expect.stringMatching(
        /STOP: acpi-call\/1\.2\.2 cannot be installed .*no prebuilt build: \/srv\/kmods\/acpi-call\/kernel-[0-9a-f]{64}/,
      ),
    ]);
    expect(stopped.stdout + stopped.stderr).toContain(
      `on a builder: kmodsort sync -k ${release} && kmodsort push -k ${release} acpi-call/1.2.2`,
    );
    expect(node.exists(`/boot/vmlinuz-${release}`)).toBe(false);

    await well(builder, `kmodsort sync -k ${release} && kmodsort push -k ${release} acpi-call/1.2.2`);
    await carry(builder, node, share);
    const passed = await aptWell(node, 'install', `linux-image-${release}`);
    expect(passed).toMatch(/ {2}installed {2}acpi-call\/1\.2\.2 +\S+ +prebuilt by ci@example\.org/);
    expect(passed).not.toMatch(/not signed|could not be checked/);
    expect(node.objects(release)).toEqual(['acpi_call']);
    expect(await well(node, `kmodsort verify -k ${release}`)).toContain('1 object will load');
    expect(await well(node, 'kmodsort plan')).toContain('nothing to do');
    expect(await boot(node, release)).toContain('modprobe acpi_call: well');
  });
});
