import type { Told } from './diagnoses.ts';

/** The sentences about what a machine is set up with: access, keys, hooks, the boot loader, settings. */

const at = ({ path, line }: { readonly path: string; readonly line?: number }): string =>
  line === undefined ? path : `${path}:${line}`;

/** Of a file in /etc that is gone dpkg(1) believes that it shall be: --force-confmiss. */
const reinstall = ({ path }: { readonly path: string }): string =>
  path.includes('/etc/')
    ? 'install the package of kmodsort again: apt-get install --reinstall -o Dpkg::Options::=--force-confmiss kmodsort'
    : 'install the package of kmodsort again';

type Code =
  | 'world-writable'
  | 'foreign-owner'
  | 'disk-full'
  | 'read-only'
  | 'key-mismatch'
  | 'key-missing'
  | 'key-readable'
  | 'certificate-expired'
  | 'certificate-not-enrolled'
  | 'enrolment-pending'
  | 'foreign-hook'
  | 'hook-missing'
  | 'hook-not-executable'
  | 'package-changed'
  | 'conffile-changed'
  | 'boot-guard-idle'
  | 'boot-loader-missing'
  | 'boot-hold-outdated'
  | 'boot-hold-unreadable'
  | 'setting-misspelt'
  | 'setting-unknown'
  | 'setting-invalid'
  | 'required-unknown'
  | 'unconfined-unknown';

export const setUpSentences: Told<Code> = {
  'world-writable': {
    reason: ({ path }) => `${path} is world-writable: what anybody has put there would be used as root`,
    byHand: ({ path }) => `look at what is in it, then: chmod o-w ${path}`,
  },
  'foreign-owner': {
    reason: ({ path, uid }) => `${path} belongs to user ${uid}, who may change what is used as root`,
    byHand: ({ path }) => `look at what is in it, then: chown root: ${path}`,
  },
  'disk-full': {
    reason: ({ path, bytes }) =>
      `less than 1 MiB is free where ${path} is (${bytes} bytes): nothing can be built or installed`,
    byHand: () => 'free some space; kmodsort store gc takes out what was built and is not used',
  },
  'read-only': {
    reason: ({ path }) => `${path} cannot be written: nothing can be built or installed`,
    byHand: ({ path }) => `mount its file system for writing: findmnt --target ${path}`,
  },
  'key-mismatch': {
    reason: ({ path, certificate }) =>
      `${path} is not the key of the certificate ${certificate}: modules stay unsigned`,
    byHand: () => 'restore the pair; or move both away and kmodsort makes a new one, which has to be enrolled',
  },
  'key-missing': {
    reason: ({ path, certificate }) =>
      `${path}, the key of the certificate ${certificate}, is not there: modules stay unsigned`,
    byHand: ({ certificate }) =>
      `restore the key; or move ${certificate} away and kmodsort makes a new pair, which has to be enrolled`,
  },
  'key-readable': {
    reason: ({ path, mode }) => `${path} has mode ${mode.toString(8)}: others than its owner may sign modules with it`,
    byHand: ({ path }) => `chmod 600 ${path}`,
    repair: ['makes it 600', 'made it 600'],
  },
  'certificate-expired': {
    reason: ({ path }) => `the certificate ${path} has expired`,
    byHand: ({ path }) => `move it and its key away: dkms generate_mok makes new ones; then: mokutil --import ${path}`,
  },
  'certificate-not-enrolled': {
    reason: ({ path }) =>
      `Secure Boot is on, and the firmware does not know ${path}: modules that it signs will not load`,
    byHand: ({ path }) => `mokutil --import ${path}, and confirm it at the next boot`,
  },
  'enrolment-pending': {
    reason: ({ path }) => `${path} waits to be enrolled: modules that it signs will not load until then`,
    byHand: () => 'reboot, and confirm it in the MOK manager that comes up before the boot',
  },
  'foreign-hook': {
    reason: ({ path }) => `${path} is a hook of another dkms: it builds beside ours, or in its place`,
    byHand: ({ path }) => `remove the package that it belongs to, or: rm ${path}`,
  },
  'hook-missing': {
    reason: ({ path }) => `${path} is not there: nothing is built when packages change`,
    byHand: reinstall,
  },
  'hook-not-executable': {
    reason: ({ path }) => `${path} is not executable, so it is not run`,
    byHand: ({ path }) => `if it is not switched off on purpose: chmod 755 ${path}`,
  },
  'package-changed': {
    reason: ({ path, check }) => `${path} is not what the package of kmodsort has installed, says ${check}`,
    byHand: reinstall,
  },
  'conffile-changed': {
    reason: ({ path, check }) => `${path}, a hook, was changed since it was installed, says ${check}`,
    byHand: ({ path }) => `if it was not changed on purpose: rm ${path}, and ${reinstall({ path })}`,
  },
  'boot-guard-idle': {
    reason: (facts) => `${at(facts)}: boot_guard is on, and required_modules names no module: no kernel is held back`,
    byHand: () => 'name in required_modules what the boot needs, or set boot_guard="no"',
  },
  'boot-loader-missing': {
    reason: (facts) => `${at(facts)}: boot_guard is on, and neither GRUB nor systemd-boot was found: it can do nothing`,
    byHand: () => 'mount the boot partition, if it is not; else set boot_guard="no"',
  },
  'boot-hold-outdated': {
    reason: ({ path, held, why }) =>
      why === 'off'
        ? `${path} holds back ${held.join(', ') || 'a kernel'} from the boot, and boot_guard is off`
        : `${path} holds back ${held.join(', ')} from the boot, and not all of these kernels are there`,
    byHand: () => 'kmodsort boot-guard',
  },
  'boot-hold-unreadable': {
    reason: ({ path }) => `${path} does not say which kernels are held back from the boot`,
    byHand: () => 'kmodsort boot-guard looks again; kmodsort boot-guard --undo takes back what was done',
  },
  'setting-misspelt': {
    reason: ({ name, meant, ...rest }) => `${at(rest)}: there is no setting ${name}: did you mean ${meant}?`,
    byHand: ({ name, meant }) => `write ${meant} for ${name}`,
  },
  'setting-unknown': {
    reason: ({ name, ...rest }) => `${at(rest)}: there is no setting ${name}; only a dkms.conf could use it`,
    byHand: () => 'remove the line, if no dkms.conf uses it',
  },
  'setting-invalid': {
    reason: ({ name, value, wants, ...rest }) => `${at(rest)}: ${name}="${value}" is not understood: it takes ${wants}`,
    byHand: ({ name, wants }) => `set ${name} to ${wants}; the default counts until then`,
  },
  'required-unknown': {
    reason: ({ word, ...rest }) => `${at(rest)}: required_modules names ${word}, which is not in the dkms tree`,
    byHand: ({ word }) => `install the package of ${word}, or correct the name`,
  },
  'unconfined-unknown': {
    reason: ({ word, ...rest }) => `${at(rest)}: unconfined_modules names ${word}, which is not in the dkms tree`,
    byHand: () => 'correct the name, or remove it',
  },
};
