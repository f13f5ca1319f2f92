import { join } from 'node:path';
import { scriptNames } from '../conf/directives.ts';
import { first } from '../conf/values.ts';
import type { Finding } from '../findings.ts';
import { exists, stat } from '../system/files.ts';
import { staysBelow } from '../system/names.ts';
import { isWorldWritable } from '../system/trust.ts';
import { confLine, type SourceRule } from './source.ts';

/** Scripts that will not be run, and files that will not be read. */

/** What a script of the conf comes to: words, the first of which is a file in the source. */
const scripts: SourceRule = (source) => {
  const { raw, directory, shown } = source;
  if (!raw) return [];
  return scriptNames.flatMap((directive): Finding[] => {
    const [script] = first(raw, directive).split(/\s+/).filter(Boolean);
    if (script === undefined) return [];
    const path = join(directory, script);
    if (!staysBelow(script) || !exists(path)) {
      const line = confLine(source, directive);
      return [{ rule: 'script-missing', file: shown('dkms.conf'), line, directive, script }];
    }
    const isRun = ((stat(path)?.mode ?? 0) & 0o111) !== 0;
    return isRun
      ? []
      : [{ rule: 'script-not-executable', file: shown(script.replace(/^(?:\.\/)+/, '')), line: 1, directive }];
  });
};

const writable: SourceRule = ({ directory, shown }) => {
  const found: Finding[] = [];
  if (isWorldWritable(join(directory, 'dkms.conf')))
    found.push({ rule: 'world-writable', file: shown('dkms.conf'), line: 1, kind: 'file' });
  if (isWorldWritable(directory)) found.push({ rule: 'world-writable', file: shown('.'), line: 1, kind: 'directory' });
  return found;
};

export const permissionRules: readonly SourceRule[] = [scripts, writable];
