/** The directives of dkms.conf, and their values as bash left them. Pure. */

/** Values of one directive by their index. */
export type Values = ReadonlyMap<number, string>;

/** A conf as bash left it. */
export interface RawConf {
  /** Directive name, then index, then text. */
  readonly values: ReadonlyMap<string, Values>;
  /** For directives that are patterns: whether the one of an index matched, `yes` or `no`. */
  readonly matches: ReadonlyMap<string, Values>;
}

/** The directives that name a script of the source, in the order of their steps (dkms(8)). */
export const scriptNames = [
  'PRE_BUILD',
  'POST_BUILD',
  'POST_ADD',
  'PRE_INSTALL',
  'POST_INSTALL',
  'POST_REMOVE',
] as const;

export type ScriptName = (typeof scriptNames)[number];

/** Every directive that is read out of a conf. */
export const directiveNames = [
  'PACKAGE_NAME',
  'PACKAGE_VERSION',
  'BUILT_MODULE_NAME',
  'BUILT_MODULE_LOCATION',
  'DEST_MODULE_NAME',
  'DEST_MODULE_LOCATION',
  'STRIP',
  'MAKE',
  'MAKE_MATCH',
  'PATCH',
  'PATCH_MATCH',
  ...scriptNames,
  'BUILD_EXCLUSIVE_KERNEL',
  'BUILD_EXCLUSIVE_KERNEL_MIN',
  'BUILD_EXCLUSIVE_KERNEL_MAX',
  'BUILD_EXCLUSIVE_ARCH',
  'BUILD_EXCLUSIVE_CONFIG',
  'AUTOINSTALL',
  'NO_WEAK_MODULES',
  'BUILD_DEPENDS',
  'BUILD_DEPENDS_REBUILD',
  'OBSOLETE_BY',
  'CLEAN',
  'REMAKE_INITRD',
  'MODULES_CONF',
  'MODULES_CONF_OBSOLETES',
  'MODULES_CONF_ALIAS_TYPE',
  'MODULES_CONF_OBSOLETE_ONLY',
] as const;

/** Directives that are still read and do nothing any more. */
export const deadDirectives = [
  'CLEAN',
  'REMAKE_INITRD',
  'MODULES_CONF',
  'MODULES_CONF_OBSOLETES',
  'MODULES_CONF_ALIAS_TYPE',
  'MODULES_CONF_OBSOLETE_ONLY',
] as const;
