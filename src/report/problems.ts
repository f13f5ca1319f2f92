import type { Problem, Problems } from '../engine/problems.ts';
import { moduleLabel } from '../engine/request.ts';

const builtWithout = (object: string | undefined, dependency: string | undefined): string => {
  if (object === undefined) return "it was built without the kernel's Module.symvers";
  const said = `it was built without the symbols of ${object}`;
  return dependency === undefined ? said : `${said}, name ${dependency} in BUILD_DEPENDS`;
};

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`;

const tool = ({ tool: name, major }: Problem<'program-older'>['found']): string => `${name} ${major}`;

/** What is wrong, as people read it. */
const sentences: { readonly [K in keyof Problems]: (problem: Problem<K>) => string } = {
  said: ({ text }) => text,
  'directive-missing': ({ directive }) => `${directive} is not set`,
  'directive-invalid': ({ directive, value }) => `invalid ${directive}: ${value}`,
  'not-yes-or-no': ({ directive, value }) => `${directive}=${value}: must be yes or no`,
  'other-module': ({ found, expected }) => `it names ${moduleLabel(found)}, its directory ${moduleLabel(expected)}`,
  'other-directory': ({ module, expected }) => `it names ${moduleLabel(module)}, which belongs in ${expected}`,
  'object-suffix': ({ name }) => `${name}: module names are given without .ko`,
  'object-name': ({ name }) => `invalid module name: ${name}`,
  'outside-build': ({ directive, value }) => `${directive} is outside the build directory: ${value}`,
  destination: ({ directive, value }) => `${directive} must start with /kernel, /updates or /extra: ${value}`,
  'built-twice': ({ name }) => `two modules are built as ${name}`,
  'installed-twice': ({ name }) => `two modules are installed as ${name}`,
  'shell-ended': () => 'bash exited before the end of the file',
  'member-outside': ({ member }) => `${member} is outside the archive`,
  'member-type': ({ member }) => `${member} is not a file, directory or link`,
  'member-unreadable': ({ line }) => `cannot parse the archive listing: ${line}`,
  'link-outside': ({ member, target }) => `${member} is a link to outside the archive: ${target}`,
  'version-magic': ({ found, wanted }) => `version magic '${found}' should be '${wanted}'`,
  'unknown-symbol': ({ symbol }) => `Unknown symbol ${symbol}: nothing exports it`,
  'module-not-there': ({ symbol, module }) =>
    `Unknown symbol ${symbol}: the module ${module} of this kernel exports it, and is not installed`,
  unsigned: () => 'Required key not available: it is not signed, and this kernel loads signed modules only',
  'not-listed': ({ release }) => `modprobe will not find it: modules.dep does not list it: depmod ${release}`,
  'symbol-version': ({ symbol, wanted, exporter, crc }) =>
    `disagrees about version of symbol ${symbol} (built for CRC ${wanted}, ${exporter} has ${crc})`,
  'no-symbol-version': ({ symbol, object, dependency }) =>
    `no symbol version for ${symbol}: ${builtWithout(object, dependency)}`,
  'needs-unloadable': ({ object }) => `it needs ${object}, which will not load`,
  'file-gone': () => 'the installed file is missing',
  'key-missing': ({ key, certificate }) =>
    `private key ${key} not found, and its certificate ${certificate} exists (it is left alone)`,
  'key-mismatch': ({ key, certificate }) => `key values mismatch: ${key} and ${certificate}`,
  'no-sign-file': () => 'sign-file not found for this kernel',
  'program-missing': ({ program, release, built }) =>
    built ? `${release} was built with ${tool(built)}, ${program} not found` : `${program} not found`,
  'program-older': ({ release, built, found }) => `${release} was built with ${tool(built)}, found ${tool(found)}`,
  'rust-version': ({ release, built, found }) =>
    built
      ? `${release} was built with rustc ${built}, ${found ? `found rustc ${found}` : 'rustc not found'}`
      : `${release} was built without Rust (CONFIG_RUST)`,
  'command-failed': ({ command, code }) => `${command} failed with exit code ${code}`,
  'no-boot-loader': () => 'neither GRUB nor systemd-boot is set up here',
  'registry-name': ({ name }) =>
    `'${name}' is neither a registry such as registry.example.org/kmods nor the absolute path of a directory`,
  'no-answer': ({ said }) => said,
  'credentials-refused': ({ said }) => `credentials refused: ${said}`,
  'signers-missing': ({ path }) => `no builder is trusted: ${path} not found`,
  'signers-unsafe': ({ path }) => `no builder is trusted: others than root may write ${path}`,
  'no-statement': () => 'it is not signed',
  'signature-wrong': () => 'bad signature: what is signed is not this statement',
  'signer-unknown': ({ key, signers }) => `signed with ${key}, which ${signers} does not list`,
  'signer-untimely': ({ key, said }) => `signed with ${key}: ${said}`,
  'signer-revoked': ({ key }) => `signed with ${key}, which is revoked`,
  'statement-version': ({ found }) => `a statement of another version: ${found}`,
  'statement-malformed': ({ at }) => `invalid statement: ${at}`,
  'other-input': ({ found }) => `it is something else: ${found}`,
  'other-key': ({ found }) => `it is another build, with the key ${found}`,
  'other-kernel-tag': ({ found, kernelPackage }) =>
    `it is another build: ${found}, ${kernelPackage === undefined ? 'of an unknown package' : `built for ${kernelPackage}`}`,
  'kernel-unpackaged': ({ release }) => `no package has the kernel ${release}, which would tell its build from others`,
  'not-as-signed': ({ what }) => `hash mismatch: ${what} is not what was signed`,
  'too-large': ({ what, size, most }) =>
    `too large: ${what}${size === undefined ? '' : ` has ${mebibytes(size)}`}, at most ${mebibytes(most)} are taken`,
  'key-unknown': () => "its key is not known without the kernel's headers and compiler",
  'no-signature': () => 'modinfo shows no signature',
  'other-hash': ({ found, wanted }) => `modinfo shows the hash ${found || 'none'} instead of ${wanted}`,
};

/** What is wrong, in one line. */
export const problemSentence = <K extends keyof Problems>(problem: Problem<K>): string =>
  sentences[problem.problem](problem);
