import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../world.ts';
import { put } from './dkms-session.ts';

/** Sources for `kmodsort lint`: a clean one, and for each rule a change of it that the rule speaks of once. */

export type Files = Readonly<Record<string, string>>;

const conf = `# a comment: uname -r, curl, sudo
PACKAGE_NAME="demo"
PACKAGE_VERSION="1.0+dfsg"
BUILT_MODULE_NAME[0]="demo"
DEST_MODULE_LOCATION[0]="/updates"
MAKE[0]="make KVER=$kernelver all"
PRE_BUILD="prepare.sh $kernelver"
POST_INSTALL="installed.sh"
BUILD_DEPENDS[0]="base"
own="-$kernelver"
LOCAL="used$own"
BUILD_EXCLUSIVE_CONFIG="CONFIG_PCI"
AUTOINSTALL="yes"
if [ "\${LOCAL%x}" = none ]; then
  BUILD_EXCLUSIVE_KERNEL="^none"
fi
`;

const kbuild = `obj-m := demo.o
ccflags-y += -I/usr/src/base-2.0/include
`;

const makefile = `KVER ?= $(shell uname -r)
KDIR := /lib/modules/$(KVER)/build
OTHER ?= $(shell uname -r)

all: demo.ko
demo.ko: prepared
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules
prepared:
	@echo "for $(OTHER)"
	touch prepared
	cp demo.c $(CURDIR)/demo-copy.c

install: all
	sudo install -D demo.ko /lib/modules/$(OTHER)/extra/demo.ko
	depmod -a
	curl https://example.org/installed
	make -j8 tools
`;

/** Nothing is to be said of it. */
export const clean = {
  'dkms.conf': conf,
  Makefile: makefile,
  Kbuild: kbuild,
  'demo.c': '#include <linux/module.h>\nMODULE_VERSION("1.0");\nMODULE_LICENSE("GPL");\n',
  'prepare.sh':
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own expansion.
    '#!/bin/sh\nrelease=${1:-$(uname -r)}\nif [ -z "$release" ]; then release=$(uname -r); fi\necho "$release" > release.h\n',
  'installed.sh': '#!/bin/sh\nmkdir -p /etc/demo && udevadm trigger\ncat << END\nsudo curl here\nEND\n',
  COPYING: 'free\n',
} satisfies Files;

const inConf = (from: string | RegExp, to: string): Files => ({ 'dkms.conf': conf.replace(from, () => to) });
const inMakefile = (from: string | RegExp, to: string): Files => ({ Makefile: makefile.replace(from, () => to) });
const inKbuild = (from: string | RegExp, to: string): Files => ({ Kbuild: kbuild.replace(from, () => to) });
const addedToConf = (line: string): Files => ({ 'dkms.conf': `${conf}${line}\n` });
const last = conf.split('\n').length;

export interface LintCase {
  readonly rule: string;
  readonly what: string;
  /** Files that are other than the clean ones. */
  readonly files: Files;
  /** FILE:LINE. */
  readonly at: string;
  /** Changes the source further. */
  readonly edit?: (directory: string) => void;
  /** Of the directory; that of the clean one if not given. */
  readonly name?: string;
}

export const cases: readonly LintCase[] = [
  {
    rule: 'conf-invalid',
    what: 'a destination that is none',
    files: inConf('"/updates"', '"/nowhere"'),
    at: 'dkms.conf:5',
  },
  { rule: 'conf-invalid', what: 'a syntax error', files: addedToConf('if true; then'), at: 'dkms.conf:1' },
  { rule: 'directory-name', what: 'another version', files: {}, name: 'demo-0.9', at: 'dkms.conf:3' },
  { rule: 'directory-name', what: 'another name', files: {}, name: 'demos-1.0+dfsg', at: 'dkms.conf:2' },
  {
    rule: 'module-version',
    what: 'another version in the source',
    files: { 'demo.c': '\nMODULE_VERSION("0.9");\n' },
    at: 'demo.c:2',
  },
  {
    rule: 'directive-deprecated',
    what: 'REMAKE_INITRD',
    files: addedToConf('REMAKE_INITRD=no'),
    at: `dkms.conf:${last}`,
  },
  {
    rule: 'directive-deprecated',
    what: 'OBSOLETE_BY',
    files: addedToConf('OBSOLETE_BY="99.0"'),
    at: `dkms.conf:${last}`,
  },
  {
    rule: 'directive-unknown',
    what: 'a slip of the pen',
    files: addedToConf('BUILD_EXCLUSIVE_KERNAL="^6"'),
    at: `dkms.conf:${last}`,
  },
  { rule: 'directive-unknown', what: 'what nobody knows', files: addedToConf('LOAD=no'), at: `dkms.conf:${last}` },
  { rule: 'running-kernel', what: 'in MAKE', files: inConf('KVER=$kernelver', 'KVER=`uname -r`'), at: 'dkms.conf:6' },
  {
    rule: 'running-kernel',
    what: 'what MAKE does not set',
    files: inConf('KVER=$kernelver', 'KERNEL=$kernelver'),
    at: 'Makefile:1',
  },
  {
    rule: 'running-kernel',
    what: 'in a recipe',
    files: inMakefile('touch prepared', 'cp /lib/modules/$(shell uname -r)/build/.config config'),
    at: 'Makefile:10',
  },
  {
    rule: 'running-kernel',
    what: 'in the flags of the compiler',
    files: inKbuild('/usr/src/base-2.0/include', '/lib/modules/$(shell uname -r)/build/include'),
    at: 'Kbuild:2',
  },
  {
    rule: 'running-kernel',
    what: 'in a script that MAKE starts',
    files: {
      ...inConf('"make KVER=$kernelver all', '"bash build.sh'),
      'build.sh': 'cd /lib/modules/$(uname -r)/build\n',
    },
    at: 'build.sh:1',
  },
  {
    rule: 'running-kernel',
    what: 'in a script',
    files: { 'prepare.sh': '#!/bin/sh\nrelease=$(uname -r)\necho "$release" > release.h\n' },
    at: 'prepare.sh:2',
  },
  {
    rule: 'release-guard',
    what: 'a target that kbuild alone would miss',
    files: { Makefile: `ifeq ($(KERNELRELEASE),)\n${makefile}endif\n` },
    at: 'dkms.conf:6',
  },
  { rule: 'own-jobs', what: 'in MAKE', files: inConf('"make ', '"make -j4 '), at: 'dkms.conf:6' },
  { rule: 'own-jobs', what: 'in a recipe', files: inMakefile('$(MAKE) -C', '$(MAKE) -j -C'), at: 'Makefile:7' },
  {
    rule: 'jobserver-not-joined',
    what: 'after something else',
    files: inConf('"make ', '"true && make '),
    at: 'dkms.conf:6',
  },
  {
    rule: 'jobserver-not-joined',
    what: 'in a script that MAKE starts',
    files: {
      ...inConf('"make KVER=$kernelver all', '"./build.sh $kernelver'),
      'build.sh': '#!/bin/sh\n\nmake KVER="$1"\n',
    },
    at: 'build.sh:3',
  },
  {
    rule: 'jobserver-cut',
    what: 'a plain make in a recipe',
    files: inMakefile('$(MAKE) -C', 'make -C'),
    at: 'Makefile:7',
  },
  {
    rule: 'jobserver-cut',
    what: 'MAKEFLAGS emptied in a recipe',
    files: inMakefile('$(MAKE) -C', 'MAKEFLAGS= $(MAKE) -C'),
    at: 'Makefile:7',
  },
  {
    rule: 'object-not-built',
    what: 'a name that kbuild does not know',
    files: addedToConf('BUILT_MODULE_NAME[1]="extra"\nDEST_MODULE_LOCATION[1]="/updates"'),
    at: `dkms.conf:${last}`,
  },
  {
    rule: 'object-not-named',
    what: 'an object that nobody installs',
    files: inKbuild('obj-m := demo.o', 'obj-m := demo.o other.o'),
    at: 'Kbuild:1',
  },
  {
    rule: 'build-depends-missing',
    what: 'headers of another module',
    files: inConf('BUILD_DEPENDS[0]="base"', ''),
    at: 'Kbuild:2',
  },
  {
    rule: 'build-depends-missing',
    what: 'symbols of another module',
    files: inKbuild('ccflags-y', 'KBUILD_EXTRA_SYMBOLS := /var/lib/dkms/core/3.1/$(KVER)/Module.symvers\nccflags-y'),
    at: 'Kbuild:2',
  },
  {
    rule: 'network-in-build',
    what: 'in a script',
    files: { 'prepare.sh': '#!/bin/sh\ngit clone https://example.org/x.git\n' },
    at: 'prepare.sh:2',
  },
  {
    rule: 'network-in-build',
    what: 'in a recipe that is used',
    files: inMakefile('touch prepared', 'curl -O https://example.org/x'),
    at: 'Makefile:10',
  },
  {
    rule: 'sudo-in-build',
    what: 'in a recipe',
    files: inMakefile('touch prepared', 'sudo touch prepared'),
    at: 'Makefile:10',
  },
  {
    rule: 'writes-outside',
    what: 'a file of the system',
    files: inMakefile('$(CURDIR)/demo-copy.c', '/usr/include/demo.c'),
    at: 'Makefile:11',
  },
  {
    rule: 'writes-outside',
    what: 'by a redirection of a script',
    files: { 'prepare.sh': '#!/bin/sh\n\necho demo >> /etc/modules\n' },
    at: 'prepare.sh:3',
  },
  { rule: 'writes-outside', what: 'depmod in MAKE', files: inConf('all"', 'all; depmod -a"'), at: 'dkms.conf:6' },
  {
    rule: 'script-missing',
    what: 'a name that is not there',
    files: inConf('"prepare.sh', '"prepared.sh'),
    at: 'dkms.conf:7',
  },
  { rule: 'script-missing', what: 'a program', files: inConf('"prepare.sh', '"/bin/sh prepare.sh'), at: 'dkms.conf:7' },
  {
    rule: 'script-not-executable',
    what: 'of mode 644',
    files: {},
    edit: (directory) => chmodSync(join(directory, 'prepare.sh'), 0o644),
    at: 'prepare.sh:1',
  },
  {
    rule: 'world-writable',
    what: 'a conf that everybody may write',
    files: {},
    edit: (directory) => chmodSync(join(directory, 'dkms.conf'), 0o666),
    at: 'dkms.conf:1',
  },
  {
    rule: 'world-writable',
    what: 'a directory that everybody may write',
    files: {},
    edit: (directory) => chmodSync(directory, 0o777),
    at: ':1',
  },
];

/** Write a source into a directory of a world. */
export const writeSource = (world: World, files: Files, name = 'demo-1.0+dfsg'): string => {
  const directory = join(world.root, 'work', name);
  for (const [path, text] of Object.entries(files)) put(join(directory, path), text);
  for (const path of ['prepare.sh', 'installed.sh']) chmodSync(join(directory, path), 0o755);
  return directory;
};
