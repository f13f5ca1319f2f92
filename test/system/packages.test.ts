import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';
import { aptWell, headers, image, kmodsortMachine, older, provision, releases, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';

/** What the linters of packages, scripts and units say of ours. */

afterEach(stopMachines);

const said = (command: string, ...args: string[]): string => {
  const { stdout, stderr, error } = spawnSync(command, args, { cwd: repository, encoding: 'utf8' });
  if (error) throw error;
  return `${stdout}${stderr}`;
};

const isScript = (name: string): boolean => !name.includes('.') || /\.(sh|postinst)$/.test(name);
const scriptsIn = (directory: string): string[] =>
  readdirSync(join(repository, directory), { withFileTypes: true })
    .filter((entry) => entry.isFile() && isScript(entry.name))
    .map((entry) => join(directory, entry.name));

const scripts = [
  ...['packaging', 'hooks/shell', 'hooks/dkms', 'hooks/login', 'hooks/apt/postinst.d', 'hooks/apt/prerm.d'].flatMap(
    scriptsIn,
  ),
  ...['preinst', 'postinst', 'prerm', 'postrm'].map((name) => `packaging/debian/${name}`),
  'packaging/arch/kmodsort.install',
  'hooks/rpm/40-dkms.install',
  '.ci/run',
];

describe.skipIf(!provision)('packages', () => {
  it('shellcheck has nothing to say of any script', () => {
    expect(scripts.length).toBeGreaterThan(12);
    // The maintainer scripts get the functions that they call when the package is made.
    expect(said('shellcheck', '-x', '-e', 'SC1091', ...scripts)).toBe('');
  });

  it.each(['debSystem', 'debBundled'] as const)('lintian has nothing to say of %s', (name) => {
    const lines = said('lintian', '--allow-root', '--fail-on', 'none', provision?.packages[name] ?? '');
    expect(lines.split('\n').filter((line) => /^[EW]: /.test(line))).toEqual([]);
  });

  it.each(['rpmSystem', 'rpmBundled'] as const)('rpmlint has nothing to say of %s', (name) => {
    const lines = said('rpmlint', '-c', 'packaging/rpm/rpmlint.toml', provision?.packages[name] ?? '');
    expect(lines.split('\n').filter((line) => /: [EW]: /.test(line))).toEqual([]);
  });
});

describe.skipIf(!provision).each(releases)('units on %s', (release) => {
  it('unit: systemd finds no fault, and knows the service by both names', async () => {
    const machine = await kmodsortMachine(release);
    const ended = await machine.run(['systemd-analyze', 'verify', '--man=no', 'kmodsort.service']);
    const about = `${ended.stdout}${ended.stderr}`.split('\n').filter((line) => /kmodsort|dkms/.test(line));
    expect({ code: ended.code, about }).toEqual({ code: 0, about: [] });
    const enabled = (unit: string) => machine.run(['systemctl', 'is-enabled', unit]);
    expect((await enabled('kmodsort.service')).stdout).toBe('enabled\n');
    expect((await enabled('dkms.service')).stdout).toBe('alias\n');
  });

  it('autoinstaller: the script of old services builds what a kernel lacks, and ends well without headers', async () => {
    const packages = [imagePackage(older.release), headersPackage(older), modulePackage('lonely')];
    const machine = await kmodsortMachine(release, ...packages);
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    await machine.run(['dkms', 'unbuild', 'lonely/1.0', '--all']);
    expect(machine.objects(older.release)).toEqual([]);
    const script = '/usr/lib/dkms/dkms_autoinstaller';
    expect((await machine.run([script, 'start', older.release])).code).toBe(0);
    expect(machine.objects(older.release)).toEqual(['lonely']);
    await machine.sh(`dkms unbuild lonely/1.0 --all; rm /usr/lib/modules/${older.release}/build`);
    expect((await machine.run([script, 'start', older.release])).code).toBe(0);
    expect((await machine.run([script, 'stop'])).code).toBe(0);
    expect((await machine.run([script, 'dance'])).code).toBe(2);
  });

  it('notices: a failure is told to the journal as an error, and to each login until it is repaired', async () => {
    const machine = await kmodsortMachine(release);
    machine.write('/usr/bin/logger', '#!/bin/sh\necho "$*" >> /var/log/journal-lines\n', 0o755);
    await machine.sh('mkdir -p /run/systemd/journal && touch /run/systemd/journal/socket');
    machine.write(
      '/usr/src/lonely-1.0/dkms.conf',
      'PACKAGE_NAME=lonely\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME=lonely\nDEST_MODULE_LOCATION=/extra\nAUTOINSTALL=yes\n',
    );
    machine.write('/usr/lib/modules/1.2.3/modules.order', '');
    machine.write('/boot/vmlinuz-1.2.3', '');
    await machine.run(['kmodsort', 'hook', 'run', 'apt', 'source', 'lonely', '1.0']);
    expect(machine.read('/var/log/journal-lines')).toMatch(
      /--priority user\.err -- lonely\/1\.0, 1\.2\.3: FAILED: kernel headers for \S+ not found/,
    );
    const login = 'bash --login -i -c true 2>/dev/null';
    expect((await machine.sh(login)).stdout).toContain('lonely/1.0 on 1.2.3: kernel headers for 1.2.3 not found');
    await machine.sh('mv /var/lib/kmodsort /var/lib/elsewhere; mkdir -p /etc/dkms/framework.conf.d');
    machine.write('/etc/dkms/framework.conf.d/state.conf', 'kmodsort_state="/var/lib/elsewhere"\n');
    expect((await machine.sh(login)).stdout).toContain('lonely/1.0 on 1.2.3: kernel headers for 1.2.3 not found');
    await machine.sh('rm -r /usr/lib/modules/1.2.3 /boot/vmlinuz-1.2.3; kmodsort sync');
    expect((await machine.sh(login)).stdout).toBe('');
  });
});
