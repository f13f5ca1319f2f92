import { describe, expect, it } from 'vitest';
import { isEntryOf, parseBootList, withoutTries } from '../../../../src/engine/boot/boot-entries.ts';

/** As bootctl 252 lists them. */
const list = `
         type: Boot Loader Specification Type #1 (.conf)
        title: Debian (6.1.0-55) (default) (not reported/new)
           id: token-6.1.0-55.conf
       source: /efi/loader/entries/token-6.1.0-55.conf
     sort-key: debian
      version: 6.1.0-55
   machine-id: 00000000000000000000000000000001
        linux: /token/6.1.0-55/linux
      options: x

         type: Boot Loader Specification Type #1 (.conf)
        title: Debian (6.1.0-56) (not reported/new)
           id: token-6.1.0-56.conf
       source: /efi/loader/entries/token-6.1.0-56+0.conf (on the EFI System Partition)
        tries: 0 left
      version: 6.1.0-56

         type: Automatic
        title: Reboot Into Firmware Interface
           id: auto-reboot-to-firmware-setup
       source: /sys/firmware/efi/efivars/LoaderEntries-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
`;

describe('what bootctl lists', () => {
  it('is read', () => {
    expect(parseBootList(list).slice(0, 2)).toEqual([
      {
        id: 'token-6.1.0-55.conf',
        source: '/efi/loader/entries/token-6.1.0-55.conf',
        isDefault: true,
        linux: '/token/6.1.0-55/linux',
        version: '6.1.0-55',
      },
      {
        id: 'token-6.1.0-56.conf',
        source: '/efi/loader/entries/token-6.1.0-56+0.conf',
        isDefault: false,
        version: '6.1.0-56',
      },
    ]);
    expect(parseBootList('')).toEqual([]);
  });

  const entry = (source: string, more = {}) => ({ id: 'x', source, isDefault: false, ...more });
  it.each([
    ['by its version', entry('/efi/loader/entries/x.conf', { version: '6.1.0-55' }), true],
    ['by its image', entry('/efi/loader/entries/x.conf', { linux: '/vmlinuz-6.1.0-55' }), true],
    ['by the directory of its image', entry('/efi/loader/entries/x.conf', { linux: '/t/6.1.0-55/linux' }), true],
    ['by its name', entry('/efi/EFI/Linux/token-6.1.0-55+3-1.efi'), true],
    ['of another', entry('/efi/loader/entries/token-6.1.0-55-rt.conf', { version: '6.1.0-55-rt' }), false],
    ['of a longer release', entry('/efi/EFI/Linux/token-6.1.0-550.efi'), false],
  ])('is an entry of a kernel: %s', (_how, one, expected) => {
    expect(isEntryOf({ installTree: '/nonexistent' }, '6.1.0-55', one)).toBe(expected);
  });
});

describe('an entry without tries', () => {
  it.each([
    ['/e/a.conf', '/e/a+0.conf'],
    ['/e/a+3.conf', '/e/a+0.conf'],
    ['/e/a+2-1.conf', '/e/a+0.conf'],
    ['/e/a+b-6.12.117+deb12-amd64.conf', '/e/a+b-6.12.117+deb12-amd64+0.conf'],
    ['/e/a-6.12.117+deb12.efi', '/e/a-6.12.117+deb12+0.efi'],
    ['/e/a+0.conf', undefined],
    ['/e/a+0-3.conf', undefined],
    ['/e/a', undefined],
  ])('%s: %s', (source, expected) => {
    expect(withoutTries(source)).toBe(expected);
  });
});
