import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Question, type ReadConf, readByDkms } from './dkms-reader.ts';
import { readByUs } from './our-reader.ts';

/** Confs that use the shell in ways that are easily got wrong, read by dkms itself and by us. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];

const head = 'PACKAGE_NAME="t"\nPACKAGE_VERSION="1.0"\n';
const object = 'BUILT_MODULE_NAME[0]="one"\nDEST_MODULE_LOCATION[0]="/extra"\n';
const two = `${object}BUILT_MODULE_NAME[1]="two"\nDEST_MODULE_LOCATION[1]="/extra"\n`;

/** What follows PACKAGE_NAME and PACKAGE_VERSION, by what is tried. */
const same: Readonly<Record<string, string>> = {
  'a module without a name of its own': 'DEST_MODULE_LOCATION[0]="/extra"\n',
  'arrays without indexes': 'BUILT_MODULE_NAME="one"\nDEST_MODULE_LOCATION="/kernel/drivers/misc/"\n',
  'arrays in parentheses': 'BUILT_MODULE_NAME=(one two)\nDEST_MODULE_LOCATION=(/extra /updates)\n',
  'arrays that grow': `${object}BUILT_MODULE_NAME+=(two)\nDEST_MODULE_LOCATION+=(/extra)\n`,
  'exported and declared values': `${object}export AUTOINSTALL=yes\ndeclare -a BUILD_DEPENDS=(a b)\n`,
  'indexes that are counted': `i=0\nfor n in one two three; do
BUILT_MODULE_NAME[$i]=$n; BUILT_MODULE_LOCATION[$i]="dir/$n"; DEST_MODULE_LOCATION[$((i++))]="/extra/$n"\ndone\n`,
  'another name where it is installed': `${two}DEST_MODULE_NAME[1]="other"\n`,
  'directories with and without a slash': `${two}BUILT_MODULE_LOCATION[0]="a/b"\nBUILT_MODULE_LOCATION[1]="c/"\n`,
  'a value that is expanded a second time': `${object}DEST_MODULE_LOCATION[0]='/extra/$kernelver/$arch'\n`,
  'a command that is expanded a second time': `${object}MAKE[0]='make -C $(echo $kernel_source_dir) M=$dkms_tree'\n`,
  'double quotes in a value': `${object}MAKE[0]="make EXTRA=\\"-DA\\" all"\n`,
  'single quotes in a value': `${object}MAKE[0]="make EXTRA='-DA -DB' all"\n`,
  'double quotes in single quotes': `${object}MAKE[0]='make EXTRA="-DA" all'\n`,
  'single quotes around make': `${object}MAKE[0]="'make' -j4 KVER=\${kernelver}"\n`,
  'a dollar that is kept for later': `${object}MAKE[0]="make -C \\\${kernel_source_dir} V=\\\${nobody:-later}"\n`,
  'two backslashes': `${object}MAKE[0]="make A=\\\\\\\\n all"\n`,
  'a list of commands': `${object}MAKE[0]="./configure && make || (cat log; false) | tee x; true &"\n`,
  'a line that goes on': `${object}MAKE[0]="make \\\n  -C \${kernel_source_dir} \\\n  all"\n`,
  'a line break in a value': `${object}MAKE[0]="make one\nmake two"\n`,
  'many blanks': `${object}MAKE[0]="  make   one\t\ttwo"\n`,
  'braces, brackets and tildes': `${object}MAKE[0]="make {a,b} ~ [x]? M=\${kernel_source_dir}"\n`,
  'a percent sign and a hash': `${object}MAKE[0]="make A=%s B=#x # no comment"\n`,
  'a reference to another directive': `${object}MAKE[0]="make N=\${BUILT_MODULE_NAME[0]} V=\${PACKAGE_VERSION}"\n`,
  'a reference that is kept for later': `${object}MAKE[0]='make K=\${kernelver} V=$PACKAGE_VERSION'\n`,
  'values cut by the shell': `${object}MAKE[0]="make T=\${kernel_source_dir%/*} K=\${kernelver%%-*}"\n`,
  'a value that is not there': `${object}MAKE[0]="make A=$nobody B=\${nobody:-some}"\n`,
  'the last pattern that matches': `${object}MAKE[0]="make zero"\nMAKE[1]="make one"\nMAKE_MATCH[1]="^6\\."
MAKE[2]="make two"\nMAKE_MATCH[2]="^[5-6]"\nMAKE[3]="make three"\nMAKE_MATCH[3]="^2\\.6"\n`,
  'a first pattern that does not match': `${object}MAKE[0]="make zero"\nMAKE_MATCH[0]="^2\\.6"\n`,
  'a first pattern that matches': `${object}MAKE[0]="make zero"\nMAKE_MATCH[0]="^6"\nMAKE[1]="make one"\n`,
  'patches for some kernels': `${object}PATCH[0]="a.patch"\nPATCH[1]="b.patch"\nPATCH_MATCH[1]="^2\\.6"
PATCH[2]="c.patch"\nPATCH_MATCH[2]="^6\\.1\\."\n`,
  'the first STRIP for all': `${two}STRIP[0]="no"\n`,
  'STRIP of one': `${two}STRIP[1]="No"\n`,
  'scripts with arguments': `${object}PRE_BUILD="configure --k=$kernelver 'a b'"\nPOST_INSTALL='post.sh $kernelver'
POST_BUILD="b.sh"\nPOST_ADD="c.sh"\nPRE_INSTALL="d.sh"\nPOST_REMOVE="e.sh x"\n`,
  'a kernel that it is for': `${object}BUILD_EXCLUSIVE_KERNEL="^6\\.1\\."\n`,
  'a kernel that no expression can mean': `${object}BUILD_EXCLUSIVE_KERNEL="^(6\\.1"\n`,
  'an architecture that it is not for': `${object}BUILD_EXCLUSIVE_ARCH="^(arm|ppc)"\n`,
  'options that are set, and are not': `${object}BUILD_EXCLUSIVE_CONFIG="CONFIG_PCI CONFIG_MODULES !CONFIG_NOBODY"\n`,
  'an option that must not be set': `${object}BUILD_EXCLUSIVE_CONFIG="CONFIG_PCI !CONFIG_MODULES"\n`,
  'an option that is a number': `${object}BUILD_EXCLUSIVE_CONFIG="CONFIG_HZ"\n`,
  'an option that is a text and must not be set': `${object}BUILD_EXCLUSIVE_CONFIG="!CONFIG_DEFAULT_HOSTNAME"\n`,
  "the kernel's configuration": `. $kernel_source_dir/.config\n${object}
[ "$CONFIG_MODULES" = y ] || BUILD_EXCLUSIVE_KERNEL="never"\nMAKE[0]="make HZ=$CONFIG_HZ"\n`,
  'a question to the configuration': `${object}
if ! grep -q "^CONFIG_NOBODY=[ym]$" "$kernel_source_dir/.config"; then BUILD_EXCLUSIVE_ARCH="^never$"; fi\n`,
  'a function and a local variable': `${object}pick() { local v=$1; MAKE[0]="make V=$v"; }\npick seven\n`,
  'its own directory': `pushd "$(dirname "$BASH_SOURCE")" >/dev/null\n${object}MAKE[0]="make F=$(ls dkms.conf)"\npopd\n`,
  output: `echo hello; printf 'MAKE[0]="make wrong"\\n'\n${object}`,
  'an error on the way': `nobody-has-this-command 2>/dev/null\nfalse\n${object}`,
  'a last command that fails': `${object}[ -e /nowhere ] && MAKE[0]="make nowhere"\n`,
  'a return': `${object}return 0\nBUILT_MODULE_NAME[1]="two"\n`,
  'AUTOINSTALL in capitals': `${object}AUTOINSTALL="YES"\n`,
  'what is needed': `${object}BUILD_DEPENDS[0]="a"\nBUILD_DEPENDS[1]="b-c"\n`,
  'directives that mean nothing any more': `${object}REMAKE_INITRD="yes"\nMODULES_CONF[0]="alias x y"\nCLEAN="true"\n`,
  'a comment after a value': `${object}AUTOINSTALL=yes # always\n`,
  'no destination': 'BUILT_MODULE_NAME[0]="one"\n',
  'a destination that is none': 'BUILT_MODULE_NAME[0]="one"\nDEST_MODULE_LOCATION[0]="/lib"\n',
  'a name with an ending': 'BUILT_MODULE_NAME[0]="one.ko"\nDEST_MODULE_LOCATION[0]="/extra"\n',
  'another name with an ending': `${object}DEST_MODULE_NAME[0]="other.o"\n`,
  'no name in the second of two': `${object}DEST_MODULE_LOCATION[1]="/extra"\n`,
  'no version': `${object}unset PACKAGE_VERSION\n`,
  'no name': `${object}PACKAGE_NAME=""\n`,
  'an exit': `${object}exit 0\n`,
};

interface Difference {
  readonly conf: string;
  readonly part: keyof ReadConf;
  readonly ours: unknown;
  /** undefined: its usual command. */
  readonly theirs: unknown;
}

/** What dkms 3.0.10 makes something else of, with the reason. */
const different: Readonly<Record<string, Difference>> = {
  'double quotes around blanks, which dkms takes for the end of the value and then forgets it': {
    conf: `${object}MAKE[0]="make EXTRA=\\"-DA -DB\\" all"\n`,
    part: 'make',
    ours: 'make EXTRA="-DA -DB" all',
    theirs: undefined,
  },
  'a late reference to a directive that dkms reads later, and finds empty': {
    conf: `${object}MAKE[0]='make N=\${BUILT_MODULE_NAME[0]}'\n`,
    part: 'make',
    ours: 'make N=one',
    theirs: 'make N=',
  },
  'blanks at an end, which dkms keeps': {
    conf: `${object}MAKE[0]="make one "\n`,
    part: 'make',
    ours: 'make one',
    theirs: 'make one ',
  },
  'lines that end as on Windows, which a later dkms understands': {
    conf: `${object}MAKE[0]="make one"\r\n`,
    part: 'make',
    ours: 'make one',
    theirs: 'make one\r',
  },
  'several names in one BUILD_DEPENDS, which dkms splits where it uses them': {
    conf: `${object}BUILD_DEPENDS[0]="a b"\n`,
    part: 'depends',
    ours: ['a', 'b'],
    theirs: ['a b'],
  },
  'a gap between its objects, which a later dkms allows': {
    conf: `${object}BUILT_MODULE_NAME[2]="three"\nDEST_MODULE_LOCATION[2]="/extra"\n`,
    part: 'refused',
    ours: false,
    theirs: true,
  },
  'a gap between its patches, after which dkms stops too early': {
    conf: `${object}PATCH[0]="a.patch"\nPATCH[5]="b.patch"\n`,
    part: 'patches',
    ours: ['a.patch', 'b.patch'],
    theirs: ['a.patch'],
  },
  'bounds of kernels, which 3.0.10 does not know': {
    conf: `${object}BUILD_EXCLUSIVE_KERNEL_MAX="5.10"\n`,
    part: 'excluded',
    ours: true,
    theirs: false,
  },
  'a syntax error, up to which dkms takes what it finds': {
    conf: `${object}MAKE[0]="make\n`,
    part: 'refused',
    ours: true,
    theirs: false,
  },
  'two objects of one name, of which 3.0.10 loses one': {
    conf: `${two}BUILT_MODULE_NAME[1]="one"\n`,
    part: 'refused',
    ours: true,
    theirs: false,
  },
  'a switch that is neither yes nor no, which 3.0.10 takes for yes': {
    conf: `${object}AUTOINSTALL="perhaps"\n`,
    part: 'refused',
    ours: true,
    theirs: false,
  },
  "a question to uname, which gets the running kernel's answer from dkms": {
    conf: `${object}BUILT_MODULE_NAME[0]="for_$(uname -r | cut -d. -f1)_$([ "$(uname -r)" = "$kernelver" ] && echo right)"\n`,
    part: 'objects',
    ours: [['for_6_right', '', 'for_6_right', '/extra', 'yes']],
    theirs: [[expect.not.stringContaining('right'), '', expect.anything(), '/extra', 'yes']],
  },
};

describe.skipIf(provision.kind === 'missing')('a conf with', () => {
  let scratch = '';
  const confs = { ...same, ...Object.fromEntries(Object.entries(different).map(([name, { conf }]) => [name, conf])) };
  const names = Object.keys(confs);
  let questions: Question[] = [];
  let ours: ReadConf[] = [];
  let theirs: ReadConf[] = [];

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'kmodsort-tricky-'));
    questions = names.flatMap((name, index) => {
      const directory = join(scratch, `t${index}`);
      mkdirSync(directory);
      writeFileSync(join(directory, 'dkms.conf'), `${head}${confs[name]}`);
      return kernels.map((kernel) => ({ name: 't', version: '1.0', kernel, path: join(directory, 'dkms.conf') }));
    });
    theirs = readByDkms(questions, scratch);
    ours = await readByUs(questions, scratch);
  });

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const answersTo = (name: string, answers: readonly ReadConf[]): ReadConf[] =>
    answers.slice(names.indexOf(name) * kernels.length, (names.indexOf(name) + 1) * kernels.length);

  it.each(Object.keys(same))('%s is the same to both', (name) => {
    const [mine, other] = [answersTo(name, ours), answersTo(name, theirs)];
    expect(mine.map(({ refused }) => refused)).toEqual(other.map(({ refused }) => refused));
    if (!mine.some(({ refused }) => refused)) expect(mine).toEqual(other);
  });

  it.each(Object.keys(different))('%s', (name) => {
    const { part, ours: wanted, theirs: known } = different[name] ?? { part: 'make' };
    for (const answer of answersTo(name, ours)) expect(answer[part]).toEqual(wanted);
    for (const answer of answersTo(name, theirs)) {
      expect(answer[part]).toEqual(known ?? expect.stringMatching(/^make -C \S+ M=\/var\/lib\/dkms\/t\/1\.0\/build$/));
    }
  });
});
