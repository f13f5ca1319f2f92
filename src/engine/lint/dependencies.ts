import { basename } from 'node:path';
import type { Finding } from '../findings.ts';
import { type SourceRule, textIn } from './source.ts';

/** Other modules that a build reaches into without naming them in BUILD_DEPENDS. */

/** A source or an entry of another module, by its path; `linux-headers-…` and the like are kernels. */
const paths = [
  /(?:\/usr\/src|\$[({]?source_tree[)}]?)\/([A-Za-z][\w.+]*(?:-[A-Za-z][\w.+]*)*)-(?:[\d$*?][^\s"';:)]*)/,
  /(?:\/var\/lib\/dkms|\$[({]?dkms_tree[)}]?)\/([A-Za-z][\w.+-]*)(?=[/\s"'])/,
  /\bfind\s+\/usr\/src\b.*-name\s+["']?([A-Za-z][\w.+-]*?)-\*/,
] as const;

const isKernels = (name: string): boolean => /^(?:linux|kernel|kernels|ofa_kernel)(?:-|$)/.test(name);

const comment = /^\s*(?:#(?!\s*include)|\/\/|\*)/;

const isRead = (path: string): boolean =>
  /^(?:Makefile|Kbuild|GNUmakefile|makefile|dkms\.conf)$/.test(basename(path)) || /\.[ch]$/.test(path);

/** In C what is included, in a Makefile what symbols and headers are taken from: a copy may go anywhere. */
const isOfInterest = (path: string, line: string): boolean => {
  if (/\.[ch]$/.test(path)) return /^\s*#\s*include/.test(line);
  return basename(path) === 'dkms.conf' || /KBUILD_EXTRA_SYMBOLS|symvers|\s-I/i.test(line);
};

const missingDepends: SourceRule = ({ conf, files, directory, shown }) => {
  if (!conf) return [];
  const said = new Set([conf.module.name, ...conf.depends]);
  const found: Finding[] = [];
  for (const path of files.filter(isRead)) {
    for (const [index, line] of (textIn(directory, path) ?? '').split('\n').entries()) {
      if (comment.test(line) || !isOfInterest(path, line)) continue;
      for (const pattern of paths) {
        const [where = '', module] = pattern.exec(line) ?? [];
        if (module === undefined || said.has(module) || isKernels(module)) continue;
        said.add(module);
        found.push({
          rule: 'build-depends-missing',
          file: shown(path),
          line: index + 1,
          module,
          path: where.startsWith('find') ? `/usr/src/${module}-*` : where,
        });
      }
    }
  }
  return found;
};

export const dependencyRules: readonly SourceRule[] = [missingDepends];
