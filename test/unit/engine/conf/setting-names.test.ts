import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingForms } from '../../../../src/engine/conf/setting-names.ts';

const repository = resolve(import.meta.dirname, '../../../..');

describe('settingForms', () => {
  it('has every setting of the packaged file, and takes its default', () => {
    const text = readFileSync(resolve(repository, 'packaging/framework.conf'), 'utf8');
    const settings = [...text.matchAll(/^#(\w+)="(.*)"$/gm)];
    expect(settings.length).toBeGreaterThan(20);
    const wrong = settings.filter(([, name = '', value = '']) => !settingForms[name]?.pattern.test(value));
    expect(wrong.map(([line]) => line)).toEqual([]);
  });
  it('has every setting that is read', () => {
    const code = readFileSync(resolve(repository, 'src/engine/conf/framework-conf.ts'), 'utf8');
    const read = [...code.matchAll(/\bv\.(\w+)/g)].map(([, name = '']) => name);
    expect(read.length).toBeGreaterThan(25);
    expect(read.filter((name) => settingForms[name] === undefined)).toEqual([]);
  });
});
