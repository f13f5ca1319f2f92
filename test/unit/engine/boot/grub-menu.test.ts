import { describe, expect, it } from 'vitest';
import { defaultEntry, isPinned, parseGrubMenu, wordFor } from '../../../../src/engine/boot/grub-menu.ts';

const kernel = (release: string, indent = '\t\t'): string =>
  `${indent}load_video\n${indent}if [ x$grub_platform = xxen ]; then insmod xzio; fi\n${indent}linux\t/boot/vmlinuz-${release} root=UUID=1 ro quiet\n${indent}initrd\t/boot/initrd.img-${release}`;

/** As grub-mkconfig 2.06 of Debian writes it, of two kernels. */
const menuWith = (word: string): string => `
set menuentry_id_option="--id"
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${word}"
fi
function gfxmode {
	set gfxpayload="\${1}"
}
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-1' {
${kernel('6.12.1', '\t')}
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-1' {
	menuentry 'Debian GNU/Linux, with Linux 6.12.1' --class debian $menuentry_id_option 'gnulinux-6.12.1-advanced-1' {
${kernel('6.12.1')}
	}
	menuentry 'Debian GNU/Linux, with Linux 6.12.1 (recovery mode)' --class debian $menuentry_id_option 'gnulinux-6.12.1-recovery-1' {
${kernel('6.12.1')}
	}
	menuentry 'Debian GNU/Linux, with Linux 6.1.0' --class debian $menuentry_id_option 'gnulinux-6.1.0-advanced-1' {
${kernel('6.1.0')}
	}
}
menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
	fwsetup
}
`;

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of GRUB's.
const saved = '${saved_entry}';
const advanced = 'gnulinux-advanced-1>gnulinux-6.1.0-advanced-1';

describe('what GRUB boots by default', () => {
  it.each([
    ['0', undefined, '6.12.1', false],
    ['', undefined, '6.12.1', false],
    ['1>2', undefined, '6.1.0', false],
    ['1', undefined, '6.12.1', false],
    ['gnulinux-simple-1', undefined, '6.12.1', false],
    ['Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0', undefined, '6.1.0', true],
    [advanced, undefined, '6.1.0', true],
    ['gnulinux-advanced-1>gone', undefined, '6.12.1', false],
    [saved, undefined, '6.12.1', false],
    [saved, '', '6.12.1', false],
    [saved, '0', '6.12.1', false],
    [saved, advanced, '6.1.0', true],
    [saved, 'gnulinux-6.1.0-advanced-1', '6.12.1', false],
  ])('default="%s", saved_entry=%s: %s', (word, entry, release, pinned) => {
    const menu = parseGrubMenu(menuWith(word));
    expect(defaultEntry(menu, entry)?.image).toBe(`/boot/vmlinuz-${release}`);
    expect(isPinned(menu, entry)).toBe(pinned);
  });

  it('is nothing where there is no menu', () => {
    expect(defaultEntry(parseGrubMenu(''), undefined)).toBeUndefined();
  });
});

describe('the word for an entry', () => {
  const { entries } = parseGrubMenu(menuWith('0'));
  it.each([
    [['vmlinuz-6.1.0'], advanced],
    [['vmlinuz-6.12.1'], 'gnulinux-advanced-1>gnulinux-6.12.1-advanced-1'],
    [['vmlinuz-6.1'], undefined],
  ])('of %j is %s', (images, expected) => {
    expect(wordFor(entries, images)).toBe(expected);
  });

  it('is the title of one without an id, in whatever quotes', () => {
    const menu = parseGrubMenu(
      `menuentry "Rescue" {\n  linux16 /vmlinuz-1\n}\nmenuentry 'Joe'\\''s' {\n linux /vmlinuz-2\n}\n`,
    );
    expect(wordFor(menu.entries, ['vmlinuz-1'])).toBe('Rescue');
    expect(wordFor(menu.entries, ['vmlinuz-2'])).toBe("Joe's");
  });

  it('knows a menu whose entries are files', () => {
    expect(parseGrubMenu('insmod blscfg\nblscfg\n').isBls).toBe(true);
    expect(parseGrubMenu(menuWith('0')).isBls).toBe(false);
  });
});
