import { describe, expect, it } from 'vitest';
import { make } from '../../../../src/engine/pack/tree.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { installCommand } from '../../../../src/engine/system/install-command.ts';

const processes = makeProcesses({});
const installs = (program: string) => installCommand('debian', program.replace(/^no-such-/, ''));

describe('tools that make packages', () => {
  it('gives what a tool says', async () => {
    expect(await make({ processes, installs }, ['echo', 'well'])).toBe('well\n');
  });

  it.each([
    [['no-such-rpmbuild'], { kind: 'tool-missing', at: 'no-such-rpmbuild', install: 'apt install rpm' }],
    [['no-such-bsdtar'], { kind: 'tool-missing', install: 'apt install libarchive-tools' }],
    [['no-such-thing'], { kind: 'tool-missing', at: 'no-such-thing' }],
    [['ls', '/no/such/place'], { kind: 'unexpected', at: 'ls', detail: expect.stringContaining('/no/such/place') }],
    [['sh', '-c', 'echo x: No space left on device >&2; exit 2'], { kind: 'disk-full', at: 'sh' }],
  ] as const)('%s: says why not', async ([program, ...words], failure) => {
    await expect(make({ processes, installs }, [program, ...words])).rejects.toMatchObject({ failure });
  });
});
