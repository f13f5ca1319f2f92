import { describe, expect, it } from 'vitest';
import { exportersIn } from '../../../../src/engine/install/own-symbols.ts';

describe('exportersIn', () => {
  it('reads who exports a symbol out of modules.symbols, and passes over all else', () => {
    const text = '# Aliases for symbols, used by symbol_request().\nalias symbol:drm_open drm\nalias pci:v1 e1000\n';
    expect(Object.fromEntries(exportersIn(text))).toEqual({ drm_open: 'drm' });
  });
});
