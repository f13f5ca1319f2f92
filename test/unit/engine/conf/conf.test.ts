import { describe, expect, it } from 'vitest';
import { confOf } from '../../../../src/engine/conf/conf.ts';
import type { ConfObject } from '../../../../src/engine/conf/objects.ts';
import { problemSentence } from '../../../../src/report/problems.ts';
import { temporaryDirectory } from '../../temporary.ts';
import { rawOf } from './conf-raw.ts';
import { confFrom, factsOf, head, refusalOf, resultOf, told } from './conf-world.ts';

const root = temporaryDirectory();
const misc = 'DEST_MODULE_LOCATION[0]="/kernel/drivers/misc"\n';
const two = `BUILT_MODULE_NAME[0]=a
BUILT_MODULE_NAME[1]=b
DEST_MODULE_LOCATION[0]=/extra
DEST_MODULE_LOCATION[1]=/extra
`;

const object = (built: string, more: Partial<ConfObject> = {}): ConfObject => ({
  built,
  location: '',
  dest: built,
  destLocation: '/extra',
  strip: true,
  ...more,
});

describe('objects', () => {
  it('has defaults for all that a conf leaves out', async () => {
    const conf = await confFrom(root, misc);
    expect(conf).toMatchObject({
      module: { name: 'demo', version: '1.0' },
      objects: [object('demo', { destLocation: '/kernel/drivers/misc' })],
      patches: [],
      scripts: {},
      depends: [],
      autoinstall: false,
      noWeakModules: false,
      rebuildWithDependencies: false,
      ignored: [],
    });
    expect(conf.make).toBeUndefined();
    expect(conf.exclusion).toBeUndefined();
  });

  const table: readonly (readonly [string, string, readonly ConfObject[]])[] = [
    ['no objects at all', '', []],
    ['plain names for index 0', 'BUILT_MODULE_NAME=x\nDEST_MODULE_LOCATION=/extra\n', [object('x')]],
    [
      'another name for the installed one',
      'DEST_MODULE_NAME=y\nDEST_MODULE_LOCATION=/extra\n',
      [object('demo', { dest: 'y' })],
    ],
    [
      'a location without its slash',
      'BUILT_MODULE_LOCATION=src/a\nDEST_MODULE_LOCATION=/extra\n',
      [object('demo', { location: 'src/a/' })],
    ],
    ['a location that is here', 'BUILT_MODULE_LOCATION=./\nDEST_MODULE_LOCATION=/extra\n', [object('demo')]],
    [
      'a sparse array',
      'BUILT_MODULE_NAME[1]=a\nBUILT_MODULE_NAME[7]=b\nDEST_MODULE_LOCATION[1]=/extra\nDEST_MODULE_LOCATION[7]=/updates\n',
      [object('a'), object('b', { destLocation: '/updates' })],
    ],
    ['STRIP of one', `${two}STRIP[1]=no\n`, [object('a'), object('b', { strip: false })]],
    [
      'STRIP[0] for all that say nothing',
      `${two}STRIP[0]=no\n`,
      [object('a', { strip: false }), object('b', { strip: false })],
    ],
    [
      'STRIP[0] and another word for the second',
      `${two}STRIP=n\nSTRIP[1]=yes\n`,
      [object('a', { strip: false }), object('b')],
    ],
  ];
  it.each(table)('understands %s', async (_what, lines, objects) => {
    expect((await confFrom(root, lines)).objects).toEqual(objects);
  });

  it.each([
    ['BUILT_MODULE_NAME[0]=a\n', 'DEST_MODULE_LOCATION[0] is not set'],
    [`${two}DEST_MODULE_LOCATION[2]=/extra\n`, 'BUILT_MODULE_NAME[2] is not set'],
    ['DEST_MODULE_LOCATION=/lib/x\n', 'DEST_MODULE_LOCATION[0] must start with'],
    ['DEST_MODULE_LOCATION=/extra/../../etc\n', 'DEST_MODULE_LOCATION[0] must start with'],
    [`${misc}BUILT_MODULE_LOCATION=../other\n`, 'is outside the build directory: ../other'],
    [`${misc}BUILT_MODULE_LOCATION=/usr/src/other\n`, 'is outside the build directory: /usr/src/other'],
    [`${misc}BUILT_MODULE_NAME=demo.ko\n`, 'without .ko'],
    [`${misc}DEST_MODULE_NAME=demo.o\n`, 'without .ko'],
    [`${misc}BUILT_MODULE_NAME="a b"\n`, 'invalid module name: a b'],
    [`${misc}BUILT_MODULE_NAME=a/b\n`, 'invalid module name: a/b'],
    [`${misc}DEST_MODULE_NAME=-rf\n`, 'invalid module name: -rf'],
    [`${two}BUILT_MODULE_NAME[1]=a\nDEST_MODULE_NAME[1]=c\n`, 'two modules are built as a'],
    [`${two}BUILT_MODULE_LOCATION[1]=x\nDEST_MODULE_NAME[1]=a\n`, 'two modules are installed as a'],
    [`${misc}AUTOINSTALL=maybe\n`, 'AUTOINSTALL=maybe: must be yes or no'],
    [`${misc}NO_WEAK_MODULES=1\n`, 'NO_WEAK_MODULES=1: must be yes or no'],
    [`${misc}BUILD_DEPENDS_REBUILD=true\n`, 'BUILD_DEPENDS_REBUILD=true: must be yes or no'],
  ])('refuses %j', async (lines, detail) => {
    expect(await refusalOf(root, lines)).toEqual({ kind: 'conf-invalid', detail: expect.stringContaining(detail) });
  });
  it('takes the same name in two places of the build', async () => {
    const conf = await confFrom(
      root,
      `${two}BUILT_MODULE_NAME[1]=a\nBUILT_MODULE_LOCATION[1]=x\nDEST_MODULE_NAME[1]=c\n`,
    );
    expect(conf.objects.map(({ location, built, dest }) => [location, built, dest])).toEqual([
      ['', 'a', 'a'],
      ['x/', 'a', 'c'],
    ]);
  });
});

describe('name and version', () => {
  it.each([
    ['PACKAGE_VERSION=1.0\n', 'PACKAGE_NAME is not set'],
    ['PACKAGE_NAME=demo\n', 'PACKAGE_VERSION is not set'],
    ['PACKAGE_NAME="de mo"\nPACKAGE_VERSION=1.0\n', 'invalid PACKAGE_NAME: de mo'],
    ['PACKAGE_NAME=../demo\nPACKAGE_VERSION=1.0\n', 'invalid PACKAGE_NAME: ../demo'],
    ['PACKAGE_NAME=-k\nPACKAGE_VERSION=1.0\n', 'invalid PACKAGE_NAME: -k'],
    ['PACKAGE_NAME=demo\nPACKAGE_VERSION=1/0\n', 'invalid PACKAGE_VERSION: 1/0'],
    ['PACKAGE_NAME=demo\nPACKAGE_VERSION=1..0\n', 'invalid PACKAGE_VERSION: 1..0'],
  ])('refuses %j', async (text, detail) => {
    expect(told(await resultOf(root, [text]))).toEqual({ kind: 'conf-invalid', detail });
  });
  it.each([
    ['demo-x', '1.0'],
    ['demo', '2.0'],
  ])('refuses to be %s/%s when it is not', async (name, version) => {
    expect(told(await resultOf(root, [head + misc], {}, { name, version }))).toEqual({
      kind: 'name-mismatch',
      detail: `it names demo/1.0, its directory ${name}/${version}`,
    });
  });
  it.each(['8188eu', 'v4l2loopback', 'nvidia-current', 'a+b~c.d:e@f'])('takes the name %s', async (name) => {
    const result = await resultOf(
      root,
      [
        `PACKAGE_NAME=${name}\nPACKAGE_VERSION=1:2.0+git~3-4\n${misc.replace('[0]', '')}DEST_MODULE_NAME=x\nBUILT_MODULE_NAME=x\n`,
      ],
      {},
      { name, version: '1:2.0+git~3-4' },
    );
    expect(result).toMatchObject({ conf: { module: { name } } });
  });
});

describe('words', () => {
  it.each([
    ['yes', true],
    ['YES', true],
    ['y', true],
    ['no', false],
    ['No', false],
    ['n', false],
    ['', false],
  ])('takes AUTOINSTALL=%j for %s', async (word, expected) => {
    expect((await confFrom(root, `${misc}AUTOINSTALL="${word}"\n`)).autoinstall).toBe(expected);
  });
  it.each(['AUTOINSTALL', 'NO_WEAK_MODULES', 'BUILD_DEPENDS_REBUILD'])('refuses another word for %s', (name) => {
    for (const word of ['yesterday', 'oh yes', 'nope', '1', 'true']) {
      const raw = rawOf({ PACKAGE_NAME: 'demo', PACKAGE_VERSION: '1.0', [name]: word });
      const detail = `${name}=${word}: must be yes or no`;
      expect(told(confOf(raw, undefined, factsOf()))).toEqual({ kind: 'conf-invalid', detail });
    }
  });
  it('names every fault of a conf', () => {
    const raw = rawOf({
      PACKAGE_NAME: 'demo',
      'BUILT_MODULE_NAME[0]': 'a.ko',
      'DEST_MODULE_LOCATION[0]': '/lib',
      'BUILT_MODULE_NAME[1]': 'b',
      'BUILT_MODULE_LOCATION[1]': '../b',
      'DEST_MODULE_LOCATION[1]': '/extra',
      AUTOINSTALL: 'perhaps',
      NO_WEAK_MODULES: '1',
    });
    const result = confOf(raw, undefined, factsOf());
    const { problem, more = [] } = 'invalid' in result ? result.invalid : {};
    expect([problem, ...more].map((one) => one && problemSentence(one))).toEqual([
      'PACKAGE_VERSION is not set',
      'AUTOINSTALL=perhaps: must be yes or no',
      'NO_WEAK_MODULES=1: must be yes or no',
      'a.ko: module names are given without .ko',
      'DEST_MODULE_LOCATION[0] must start with /kernel, /updates or /extra: /lib',
      'BUILT_MODULE_LOCATION[1] is outside the build directory: ../b/',
    ]);
  });
  it('keeps every directive for MAKE, with its index, and none of what was asked of bash', async () => {
    const { variables } = await confFrom(root, `${misc}MAKE_MATCH[2]="^6"\nMAKE[2]="make $kernelver"\nOTHER=x\n`);
    expect(Object.fromEntries(variables)).toEqual({
      'PACKAGE_NAME[0]': 'demo',
      'PACKAGE_VERSION[0]': '1.0',
      'DEST_MODULE_LOCATION[0]': '/kernel/drivers/misc',
      'MAKE[2]': 'make 6.1.0-56-amd64',
      'MAKE_MATCH[2]': '^6',
    });
  });
  it('knows the other switches, scripts, dependencies and directives without effect', async () => {
    const conf = await confFrom(
      root,
      `${misc}NO_WEAK_MODULES=yes\nBUILD_DEPENDS_REBUILD=Yes
PRE_BUILD="./configure --with=$kernelver"\nPOST_INSTALL=done.sh
BUILD_DEPENDS[3]=b\nBUILD_DEPENDS[1]=a\nBUILD_DEPENDS[5]=b\nBUILD_DEPENDS[6]=""\nBUILD_DEPENDS[7]=" "
CLEAN="make clean"\nREMAKE_INITRD=yes\n`,
    );
    expect(conf).toMatchObject({
      noWeakModules: true,
      rebuildWithDependencies: true,
      scripts: { PRE_BUILD: './configure --with=6.1.0-56-amd64', POST_INSTALL: 'done.sh' },
      depends: ['a', 'b'],
      ignored: ['CLEAN', 'REMAKE_INITRD'],
    });
    expect(Object.keys(conf.scripts)).toEqual(['PRE_BUILD', 'POST_INSTALL']);
  });
});

describe('MAKE', () => {
  const lines = 'MAKE[0]="make zero"\nMAKE[1]="make one"\nMAKE[2]="make two"\n';
  it.each([
    ['MAKE[0] where nothing matches', 'MAKE_MATCH[1]="^5"\n', 'make zero'],
    ['the one that matches', 'MAKE_MATCH[1]="^6"\n', 'make one'],
    ['the last one that matches', 'MAKE_MATCH[1]="^6"\nMAKE_MATCH[2]="amd64$"\n', 'make two'],
    ['the last one that matches, not the last', 'MAKE_MATCH[1]="^6"\nMAKE_MATCH[2]="i386"\n', 'make one'],
    ['MAKE[0] if its own pattern matches', 'MAKE_MATCH[0]="^6"\n', 'make zero'],
    ["kbuild's own where only MAKE[0] has a pattern and it does not match", 'MAKE_MATCH[0]="^5"\n', undefined],
    ['another one if the pattern of MAKE[0] does not match', 'MAKE_MATCH[0]="^5"\nMAKE_MATCH[1]="^6"\n', 'make one'],
    ['an extended regular expression', 'MAKE_MATCH[1]="^(5|6)\\.[0-9]+\\."\n', 'make one'],
  ])('chooses %s', async (_what, patterns, expected) => {
    expect((await confFrom(root, misc + lines + patterns)).make).toBe(expected);
  });
});

describe('an index that nobody means', () => {
  it('is one more object, however large it is', async () => {
    const conf = await confFrom(
      root,
      `${misc}BUILT_MODULE_NAME[99999999999]=far\nDEST_MODULE_LOCATION[99999999999]=/extra\nBUILT_MODULE_NAME[0]=near\n`,
    );
    expect(conf.objects.map(({ built }) => built)).toEqual(['near', 'far']);
  });
});

describe('PATCH', () => {
  it('keeps those whose pattern matches and those without one, in the order of their indexes', async () => {
    const conf = await confFrom(
      root,
      `${misc}PATCH[4]=c\nPATCH[0]=a\nPATCH_MATCH[0]="^6\\.1\\."\nPATCH[1]=b\nPATCH_MATCH[1]="^5"\nPATCH_MATCH[9]="^6"\n`,
    );
    expect(conf.patches).toEqual(['a', 'c']);
  });
  it('leaves it to the build to refuse one that is outside its directory', async () => {
    expect((await confFrom(root, `${misc}PATCH[0]="../x.patch"\n`)).patches).toEqual(['../x.patch']);
  });
  it('takes one in a directory of its own, and a name with dots', async () => {
    expect((await confFrom(root, `${misc}PATCH[0]=new/a..b.patch\n`)).patches).toEqual(['new/a..b.patch']);
  });
});

describe('BUILD_EXCLUSIVE', () => {
  const excluded = (rule: string, value: string) => ({ rule: `BUILD_EXCLUSIVE_${rule}`, value });
  it.each([
    ['KERNEL', '^6\\.', true],
    ['KERNEL', '^5\\.', false],
    ['KERNEL', '^(5|6)\\.1\\.', true],
    ['KERNEL_MIN', '6.1', true],
    ['KERNEL_MIN', '6.1.0-56-amd64', true],
    ['KERNEL_MIN', '6.2', false],
    ['KERNEL_MIN', '5.19', true],
    ['KERNEL_MAX', '6.1', false],
    ['KERNEL_MAX', '6.10', true],
    ['KERNEL_MAX', '6.1.999', true],
    ['KERNEL_MAX', '5.10', false],
    ['ARCH', 'x86', true],
    ['ARCH', '^(i386|x86_64)$', true],
    ['ARCH', 'aarch64', false],
    ['CONFIG', 'CONFIG_MODULES', true],
    ['CONFIG', 'CONFIG_MODULES CONFIG_PCI', true],
    ['CONFIG', 'CONFIG_MODULES CONFIG_USB', false],
    ['CONFIG', '!CONFIG_USB', true],
    ['CONFIG', 'CONFIG_PCI !CONFIG_MODULES', false],
  ])('_%s=%s: wanted here is %s', async (rule, value, wanted) => {
    const conf = await confFrom(root, `${misc}BUILD_EXCLUSIVE_${rule}="${value}"\n`);
    expect(conf.exclusion).toEqual(wanted ? undefined : excluded(rule, value));
  });
  it('says nothing of a config that is not known', async () => {
    const facts = factsOf('6.1.0-56-amd64', { config: new Map() });
    const conf = await confFrom(root, `${misc}BUILD_EXCLUSIVE_CONFIG="CONFIG_USB"\n`, { facts });
    expect(conf.exclusion).toBeUndefined();
  });
  it('takes index 0 alone for the whole module', async () => {
    const conf = await confFrom(root, `${two}BUILD_EXCLUSIVE_KERNEL[0]="^5"\n`);
    expect(conf.exclusion).toEqual(excluded('KERNEL', '^5'));
  });
  it('takes index 0 for its own object only, where another index is set too', async () => {
    const conf = await confFrom(root, `${two}BUILD_EXCLUSIVE_KERNEL[0]="^5"\nBUILD_EXCLUSIVE_KERNEL[1]="^6"\n`);
    expect(conf.exclusion).toBeUndefined();
    expect(conf.objects.map((one) => one.built)).toEqual(['b']);
  });
  it('leaves out only the object whose index says so', async () => {
    const conf = await confFrom(root, `${two}BUILD_EXCLUSIVE_ARCH[1]="aarch64"\n`);
    expect(conf.exclusion).toBeUndefined();
    expect(conf.objects.map((one) => one.built)).toEqual(['a']);
  });
  it('rules out the module when every object is ruled out', async () => {
    const conf = await confFrom(
      root,
      `${two}BUILD_EXCLUSIVE_KERNEL_MIN[0]=7\nBUILD_EXCLUSIVE_KERNEL_MAX[1]=5\nBUILD_EXCLUSIVE_KERNEL_MIN[1]=1\n`,
    );
    expect(conf.exclusion).toEqual(excluded('KERNEL_MIN', '7'));
  });
  it('takes OBSOLETE_BY for a maximum only where there is none', async () => {
    expect((await confFrom(root, `${misc}OBSOLETE_BY=6.0\n`)).exclusion).toEqual(excluded('KERNEL_MAX', '6.0'));
    expect((await confFrom(root, `${misc}OBSOLETE_BY=6.0\nBUILD_EXCLUSIVE_KERNEL_MAX=9\n`)).exclusion).toBeUndefined();
  });
});

describe('what bash does with a conf', () => {
  it('expands values twice, and inner double quotes vanish', async () => {
    const conf = await confFrom(
      root,
      `BUILT_MODULE_NAME='x_\${arch}'\nDEST_MODULE_LOCATION='/extra/$kernelver'\nMAKE="make \\"A=1\\" K='\\$kernelver'"\n`,
    );
    expect(conf.objects[0]).toMatchObject({ built: 'x_x86_64', destLocation: '/extra/6.1.0-56-amd64' });
    expect(conf.make).toBe("make A=1 K='6.1.0-56-amd64'");
  });
  it('has the variables of dkms and of the framework in scope', async () => {
    const conf = await confFrom(
      root,
      `${misc}MAKE="$kernelver $arch $kernel_source_dir $dkms_tree $source_tree $module $module_version $framework_says"\n`,
    );
    expect(conf.make).toBe(
      '6.1.0-56-amd64 x86_64 /lib/modules/6.1.0-56-amd64/build /var/lib/dkms /usr/src demo 1.0 so',
    );
  });
  it('asks the uname of the kernel that is built for', async () => {
    expect((await confFrom(root, `${misc}MAKE="$(uname -r)"\n`)).make).toBe('6.1.0-56-amd64');
  });
  it('drops carriage returns', async () => {
    const text = `${head}${misc}AUTOINSTALL="yes"\nBUILD_DEPENDS[0]="other"\n`.replaceAll('\n', '\r\n');
    expect(await resultOf(root, [text])).toMatchObject({
      conf: { module: { name: 'demo', version: '1.0' }, autoinstall: true, depends: ['other'] },
    });
  });
  it('runs loops, arithmetic, arrays and substitutions', async () => {
    const conf = await confFrom(
      root,
      `i=0\nfor one in a b c; do BUILT_MODULE_NAME[$i]=$one; DEST_MODULE_LOCATION[$i]=/extra; i=$((i+1)); done\nMAKE="make $(echo \${#BUILT_MODULE_NAME[@]})"\n`,
    );
    expect(conf.objects.map((one) => one.built)).toEqual(['a', 'b', 'c']);
    expect(conf.make).toBe('make 3');
  });
  it('lets an override change what the conf says, and a directive the override', async () => {
    const result = await resultOf(
      root,
      [`${head}${misc}AUTOINSTALL=yes\nMAKE=one\nPRE_BUILD=a\n`, 'AUTOINSTALL=no\nMAKE=two\n'],
      { directives: ['MAKE=three $kernelver', 'DEST_MODULE_LOCATION[0]=/extra'] },
    );
    expect(result).toMatchObject({
      conf: {
        autoinstall: false,
        make: 'three 6.1.0-56-amd64',
        scripts: { PRE_BUILD: 'a' },
        objects: [{ destLocation: '/extra' }],
      },
    });
  });
  it('does not take a value from the environment', async () => {
    const conf = await confFrom(root, misc, { environment: { MAKE: 'evil', AUTOINSTALL: 'yes', CC: 'x' } });
    expect([conf.make, conf.autoinstall]).toEqual([undefined, false]);
  });
  it('keeps what a conf prints to itself', async () => {
    const conf = await confFrom(root, `echo noise\nprintf 'END\\0000\\0done\\0'\n${misc}`);
    expect(conf.objects.map((one) => one.built)).toEqual(['demo']);
  });
});
