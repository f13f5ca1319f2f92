import type { Finding } from '../findings.ts';
import { confLine, type LintSource, type SourceRule, textIn } from './source.ts';

/** What a conf says of itself against its directory and its sources. */

/** Whether a name was meant to be NAME-VERSION: a checkout may be called anything. */
const isMeant = ({ name, isInSourceTree }: LintSource, module: string, version: string): boolean => {
  if (isInSourceTree || name.endsWith(`-${version}`)) return true;
  return name.startsWith(`${module}-`) && /^v?\d/.test(name.slice(module.length + 1));
};

const directoryName: SourceRule = (source) => {
  const { name, conf, isTemplate, shown } = source;
  if (!conf || isTemplate || name === `${conf.module.name}-${conf.module.version}`) return [];
  if (!isMeant(source, conf.module.name, conf.module.version)) return [];
  const isVersion = name.startsWith(`${conf.module.name}-`);
  const directive = isVersion ? 'PACKAGE_VERSION' : 'PACKAGE_NAME';
  const value = isVersion ? conf.module.version : conf.module.name;
  return [
    {
      rule: 'directory-name',
      file: shown('dkms.conf'),
      line: confLine(source, directive),
      directive,
      value,
      directory: name,
    },
  ];
};

const literal = /^\s*MODULE_VERSION\s*\(\s*"([^"]+)"\s*\)/;

/** A package's own addition to upstream's version: `+dfsg`, `-1`, `~rc1`; and upstream's `v`. */
const isSame = (packaged: string, found: string): boolean => {
  const plain = found.trim().replace(/^v(?=\d)/i, '');
  const rest = packaged.replace(/^v(?=\d)/i, '');
  return rest.startsWith(plain) && (rest === plain || /^[-+~.]/.test(rest.slice(plain.length)));
};

/** Only of one object: several have versions of their own. */
const moduleVersion: SourceRule = ({ conf, isTemplate, files, directory, shown }) => {
  if (isTemplate || conf?.objects.length !== 1) return [];
  const { version } = conf.module;
  const found = files
    .filter((path) => path.endsWith('.c'))
    .flatMap((path) => {
      const lines = (textIn(directory, path) ?? '').split('\n');
      return lines.flatMap((line, index) => {
        const [, text] = literal.exec(line) ?? [];
        return text === undefined ? [] : [{ file: shown(path), line: index + 1, found: text }];
      });
    });
  if (found.length !== 1) return [];
  return found
    .filter((one) => !isSame(version, one.found))
    .map((one): Finding => ({ rule: 'module-version', ...one, version }));
};

export const identityRules: readonly SourceRule[] = [directoryName, moduleVersion];
