/** Settings of framework.conf: their names, and what each understands. dkms's own and ours. */

/** What may be written in a setting, and how that is called. */
interface SettingForm {
  readonly wants: string;
  readonly pattern: RegExp;
}

const anything: SettingForm = { wants: 'text', pattern: /^/ };
const yesOrNo: SettingForm = { wants: 'yes or no', pattern: /^(1|y|yes|true|on|0|n|no|false|off|)$/i };
const minutes: SettingForm = { wants: 'a number of minutes', pattern: /^(\d{1,5}(\.\d+)?)?$/ };

/** Every setting that is read, with what it understands; anything else is taken as if it were not set. */
export const settingForms: Readonly<Record<string, SettingForm>> = {
  source_tree: anything,
  install_tree: anything,
  dkms_tree: anything,
  kmodsort_state: anything,
  tmp_location: anything,
  autoinstall_all_kernels: yesOrNo,
  kernels: anything,
  skip_kernels: anything,
  required_modules: anything,
  kernel_guard: {
    wants: 'yes, no, build or build-all',
    pattern: /^(1|y|yes|true|on|0|n|no|false|off|build|build-all|)$/i,
  },
  guard_limit: minutes,
  boot_guard: yesOrNo,
  parallel_jobs: { wants: 'a whole number', pattern: /^\d*$/ },
  build_limit: minutes,
  store_size: { wants: 'bytes, or a size such as 500M or 2G', pattern: /^(\d{1,9}(\.\d{1,3})?[KMGT]?i?B?)?$/i },
  prebuilt: anything,
  prebuilt_policy: { wants: 'prefer or only', pattern: /^(prefer|only|)$/ },
  allowed_signers: anything,
  revoked_signers: anything,
  prebuilt_auth: anything,
  push_key: anything,
  keep_signatures: yesOrNo,
  sandbox: { wants: 'auto, strict or no', pattern: /^(auto|strict|no|)$/ },
  unconfined_modules: anything,
  build_environment: anything,
  try_sign_modules: { wants: 'true, false or not_in_chroot', pattern: /^(true|false|not_in_chroot|)$/ },
  sign_file: anything,
  mok_signing_key: anything,
  mok_certificate: anything,
  compress_gzip_opts: anything,
  compress_xz_opts: anything,
  compress_zstd_opts: anything,
  symlink_modules: yesOrNo,
  strict_sources: yesOrNo,
  modprobe_on_install: yesOrNo,
  post_transaction: anything,
  verbose: yesOrNo,
  ADDON_MODULES_DIR: anything,
};
