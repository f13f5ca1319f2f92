import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { overrideFiles } from '../../../../src/engine/conf/reader.ts';
import { failureDetail } from '../../../../src/report/failures.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { head, readAll } from './conf-world.ts';

const root = temporaryDirectory();
const sound = `${head}AUTOINSTALL=yes\n`;

interface Bad {
  readonly what: string;
  readonly text: string | Buffer;
  readonly detail: string;
}

const bad: readonly Bad[] = [
  { what: 'ends its shell', text: `${head}exit 0\n`, detail: 'bash exited before the end' },
  { what: 'kills its shell', text: `${head}kill -9 $BASHPID\n`, detail: 'bash exited before the end' },
  { what: 'kills the shell of them all', text: `${head}kill $$\n`, detail: 'bash exited before the end' },
  { what: 'has a syntax error', text: `${head}if true; then\n`, detail: 'line 4' },
  { what: 'has a quote that never ends', text: `${head}MAKE="make\n`, detail: 'line 3' },
  { what: 'runs something else instead', text: `${head}exec true\n`, detail: 'bash exited before the end' },
];

const names = (readings: Awaited<ReturnType<typeof readAll>>): (string | undefined)[] =>
  readings.map((reading) =>
    reading.kind === 'read' ? reading.raw.values.get('PACKAGE_NAME')?.get(0) : `(${reading.failure.kind})`,
  );

describe('readConfs', () => {
  it('has no answers to no questions', async () => {
    expect(await readAll(root, [])).toEqual([]);
  });
  it.each(bad)('loses only the conf that $what', async ({ text, detail }) => {
    const readings = await readAll(root, [[sound], [text], [sound.replace('demo', 'other')]]);
    expect(names(readings)).toEqual(['demo', '(conf-broken)', 'other']);
    const refused = readings[1]?.kind === 'failed' ? readings[1].failure : undefined;
    expect(refused?.at).toMatch(/1\/dkms\.conf$/);
    expect(refused && failureDetail(refused)).toContain(detail);
  });
  it('reads on past binary rubbish', async () => {
    // Without >, by which bash would make a file where it stands.
    const bytes = Array.from({ length: 4096 }, (_, at) => (at * 131 + 7) % 256);
    const rubbish = Buffer.from(bytes.filter((byte) => byte !== 0x3e));
    const elf = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(300)]);
    const readings = await readAll(root, [[rubbish], [sound], [elf], [sound.replace('demo', 'other')]]);
    const found = names(readings);
    expect([found[1], found[3]]).toEqual(['demo', 'other']);
    for (const name of [found[0], found[2]]) expect(['(conf-broken)', undefined]).toContain(name);
  });
  it('reads a conf without a name, so that whoever asked can say so', async () => {
    expect(names(await readAll(root, [['AUTOINSTALL=yes\n'], [sound]]))).toEqual([undefined, 'demo']);
  });
  it('does not let one conf see the variables of another', async () => {
    const readings = await readAll(root, [[`${sound}MAKE=mine\nleak=1\n`], [`${head}PRE_BUILD="x$leak"\n`]]);
    const second = readings[1];
    expect(
      second?.kind === 'read' && [second.raw.values.get('MAKE'), second.raw.values.get('PRE_BUILD')?.get(0)],
    ).toEqual([undefined, 'x']);
  });
  it('passes on what a conf complains of', async () => {
    const [reading] = await readAll(root, [[`${sound}no_such_command_here\n`]]);
    expect(reading).toMatchObject({ kind: 'read', complaints: expect.stringContaining('no_such_command_here') });
  });
  it('reads hundreds of confs in one bash', async () => {
    const many = Array.from({ length: 300 }, (_, index) => [
      `PACKAGE_NAME=m${index}\nPACKAGE_VERSION=1\nPRE_BUILD=$$\n`,
    ]);
    const readings = await readAll(root, many);
    expect(names(readings)).toEqual(many.map((_, index) => `m${index}`));
    const shells = readings.map((reading) => reading.kind === 'read' && reading.raw.values.get('PRE_BUILD')?.get(0));
    expect(new Set(shells).size).toBe(1);
  });
});

describe('overrideFiles', () => {
  it('lists those that exist, the narrower ones later', () => {
    const confDir = join(root, 'etc');
    const inOrder = [
      'demo.conf',
      'demo-1.0.conf',
      'demo-1.0-6.1.conf',
      'demo-1.0-6.1-x86_64.conf',
      'demo--6.1.conf',
      'demo--6.1-x86_64.conf',
    ];
    for (const name of [...inOrder, 'demo-2.0.conf', 'other.conf']) put(join(confDir, name));
    const all = inOrder.map((name) => join(confDir, name));
    expect(overrideFiles(confDir, 'demo', '1.0', '6.1', 'x86_64')).toEqual(all);
    expect(overrideFiles(confDir, 'demo', '1.0', '5.10', 'x86_64')).toEqual(all.slice(0, 2));
    expect(overrideFiles(join(root, 'gone'), 'demo', '1.0', '6.1', 'x86_64')).toEqual([]);
  });
});
