import type { ModulePackage } from './package.ts';

/**
 * What package managers run: depmod, and the distribution's own tool for the initramfs where the kernel has one. Names of
 * modules and releases have no character that means something to a shell. Pure. Sources: depmod(8), update-initramfs(8),
 * dracut(8), deb-postinst(5), rpm-spec(5), alpm-hooks(5).
 */

/** Not where nothing but our own directory is left of a kernel: depmod's files would stay there. */
const isKernel = (release: string): string =>
  `[ -e /lib/modules/${release}/modules.order ] || [ -d /lib/modules/${release}/kernel ]`;

const depmod = (release: string): string =>
  `if ${isKernel(release)}; then
    if command -v depmod > /dev/null; then depmod -a ${release}; fi
fi
`;

/** What dkms has installed under the same name would be overwritten, and taken away with its own removal. */
const refuseDkms = ({ module, kernel }: ModulePackage): string => {
  const link = `/var/lib/dkms/${module.name}/kernel-${kernel.release}-${kernel.arch}`;
  return `if [ -e ${link} ]; then
    echo "dkms has installed ${module.name} on ${kernel.release}: dkms remove ${module.name} --all" >&2
    exit 1
fi
`;
};

const debInitramfs = (release: string): string =>
  `if [ -e /boot/initrd.img-${release} ]; then
    if command -v update-initramfs > /dev/null; then
        update-initramfs -u -k ${release}
    elif command -v dracut > /dev/null; then
        dracut -q --force /boot/initrd.img-${release} ${release}
    fi
fi
`;

const script = (body: string): string => `#!/bin/sh\nset -e\n${body}`;

/** `exit 0` unless the first argument is one of these words. */
const only = (...words: readonly string[]): string => `case $1 in\n${words.join(' | ')}) ;;\n*) exit 0 ;;\nesac\n`;

/** Maintainer scripts by name. */
export const debScripts = (made: ModulePackage): Readonly<Record<'preinst' | 'postinst' | 'postrm', string>> => {
  const { release } = made.kernel;
  const refresh = `${depmod(release)}${debInitramfs(release)}`;
  return {
    preinst: script(`${only('install', 'upgrade')}${refuseDkms(made)}`),
    postinst: script(`${only('configure')}${refresh}`),
    postrm: script(`${only('remove')}${refresh}`),
  };
};

const rpmInitramfs = (release: string): string =>
  `if [ -x /usr/bin/dracut ]; then
    for image in /boot/initramfs-${release}.img /boot/initrd-${release} /boot/[0-9a-f]*/${release}/initrd; do
        if [ -e "$image" ]; then dracut --force --kver ${release} || :; break; fi
    done
fi
`;

/** Scriptlets with their heads: at an upgrade that of the old package comes before %posttrans of the new one. */
export const rpmScripts = (made: ModulePackage): string => {
  const { release } = made.kernel;
  return `%pre
${refuseDkms(made)}
%post
${depmod(release)}
%posttrans
${rpmInitramfs(release)}
%postun
if [ "$1" = 0 ]; then
${depmod(release)}${rpmInitramfs(release)}fi
`;
};

/** mkinitcpio goes by presets, named after the kernel's package. */
const mkinitcpio = (release: string): string =>
  `if [ -x /usr/bin/mkinitcpio ] && read -r base < /usr/lib/modules/${release}/pkgbase && [ -e /etc/mkinitcpio.d/$base.preset ]; then mkinitcpio -p $base; fi`;

/** pacman's own hook 60-depmod.hook comes first; mkinitcpio's watches kernels alone. */
export const pacmanHook = ({ kernel, directory }: ModulePackage): string =>
  `[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = ${directory.slice(1)}/*

[Action]
Description = Updating the initramfs of ${kernel.release}...
When = PostTransaction
Exec = /bin/sh -c '${mkinitcpio(kernel.release)}'
`;

/** A hook that is removed does not run: what comes after the removal is in a scriptlet, which runs before 60-depmod.hook. */
export const pacmanScript = ({ kernel: { release } }: ModulePackage): string =>
  `post_remove() {
    [ -e /usr/lib/modules/${release}/pkgbase ] || return 0
    [ -x /usr/bin/mkinitcpio ] || return 0
    depmod ${release}
    ${mkinitcpio(release)}
}
`;
