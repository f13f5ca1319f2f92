import type { Places } from '../engine/settings.ts';

/** The options that name a place; every command of both programs has them. */

const path = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

export const placeOptions = {
  dkmstree: path('The dkms tree, instead of /var/lib/dkms'),
  sourcetree: path('The source tree, instead of /usr/src'),
  installtree: path('The install tree, instead of /lib/modules'),
  confdir: path('The configuration directory, instead of /etc/dkms'),
  statedir: path('The state directory, instead of /var/lib/kmodsort'),
  'os-release': path('The os-release file, instead of /etc/os-release'),
} as const;

type PlaceOption = keyof typeof placeOptions;

const placeKeys: Readonly<Record<PlaceOption, keyof Places>> = {
  dkmstree: 'dkmsTree',
  sourcetree: 'sourceTree',
  installtree: 'installTree',
  confdir: 'confDir',
  statedir: 'stateDir',
  'os-release': 'osRelease',
};

/** Each of these options with the setting that it overrides. */
export const placeSettings: readonly (readonly [option: string, key: keyof Places])[] = Object.entries(placeKeys);
