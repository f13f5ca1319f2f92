import { describe, expect, it } from 'vitest';
import { scriptEnvironment } from '../../../../src/engine/system/environment.ts';

describe('scriptEnvironment', () => {
  it.each(['CC', 'CFLAGS', 'MAKEFLAGS', 'GNUMAKEFLAGS', 'MAKEFILES', 'MFLAGS', 'MAKELEVEL', 'BASH_ENV'])(
    'leaves out what would change a build: %s',
    (name) => {
      expect(scriptEnvironment({ [name]: '-n', KCFLAGS: '-DX' }, [])).toEqual({
        KCFLAGS: '-DX',
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        LC_ALL: 'C.UTF-8',
      });
    },
  );
});
