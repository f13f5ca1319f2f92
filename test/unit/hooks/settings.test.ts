import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryDirectory } from '../temporary.ts';
import { putProgram, putScripts, queued, runScript } from './shell.ts';

/** Settings that the scripts read without the program, as the program reads them. */

const inRoot = (conf: string, later?: string): string => {
  const root = temporaryDirectory();
  putScripts(root);
  putProgram(root, 'exit 1');
  put(join(root, 'etc/dkms/framework.conf'), conf.replaceAll('ROOT', root));
  if (later !== undefined) put(join(root, 'etc/dkms/framework.conf.d/own.conf'), later.replaceAll('ROOT', root));
  return root;
};

describe('kernel_guard', () => {
  it.each(['yes', '"yes"', "'on'", '1', 'true # as on the other machines', '"Y"'])('=%s is on', (value) => {
    expect(runScript(inRoot(`kernel_guard=${value}\n`), 'lib/guard', ['apt']).status).toBe(1);
  });
  it.each(['', '""', "''", '"no"', 'no', 'off', '"false"', '0', '"" # yes'])('=%s is off', (value) => {
    expect(runScript(inRoot(`kernel_guard=${value}\n`), 'lib/guard', ['apt']).status).toBe(0);
  });
  it.each([
    ['#kernel_guard="yes"\n', undefined, 0],
    ['kernel_guard="yes"\n', 'kernel_guard=no\n', 0],
    ['kernel_guard=no\nkernel_guard=yes\n', undefined, 1],
    ['', '\t export  kernel_guard=yes\r\n', 1],
    ['my_kernel_guard=yes\n', undefined, 0],
  ])('is what the last line says: %j, %j', (conf, later, status) => {
    expect(runScript(inRoot(conf, later), 'lib/guard', ['apt']).status).toBe(status);
  });
});

describe('kmodsort_state', () => {
  it.each([
    'kmodsort_state=ROOT/srv/k\n',
    'kmodsort_state="ROOT/srv/k"\n',
    "kmodsort_state='ROOT/srv/k'\n",
    "  export kmodsort_state='ROOT/srv/k' # on the other disk\r\n",
    'kmodsort_state="ROOT/srv/k"; # on the other disk\n',
    'kmodsort_state=ROOT/srv/k # on "the" other disk\n',
    'kmodsort_state=ROOT/elsewhere\nkmodsort_state=ROOT/srv/k\n',
    '#kmodsort_state="ROOT/elsewhere"\nkmodsort_state=ROOT/srv/k;\n#kmodsort_state=x\n',
  ])('names the place of the queue: %j', (conf) => {
    const root = inRoot(conf);
    expect(runScript(root, 'lib/hook', ['apt', 'trigger']).status).toBe(0);
    expect(queued(root, join(root, 'srv/k'))).toEqual(['apt\ntrigger\n\n']);
  });
  it.each(['', 'kmodsort_state=""\n', "kmodsort_state='' # as it was\n"])('left empty is its default: %j', (conf) => {
    const root = inRoot(conf);
    runScript(root, 'lib/hook', ['apt', 'trigger']);
    expect(queued(root)).toEqual(['apt\ntrigger\n\n']);
  });
});
