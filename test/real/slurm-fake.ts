import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../world.ts';

/** Slurm's programs as a test wants them: what is submitted is written down, and has ended at once. */

const programs: Readonly<Record<string, string>> = {
  sinfo: 'echo idle',
  sbatch: `{ for word; do printf '%s\\0' "$word"; done; printf '\\n'; } >> "$0.asked"; wc -l < "$0.asked"`,
  squeue: `i=0; while [ "$i" -lt "$(wc -l < "\${0%squeue}sbatch.asked")" ]; do i=$((i + 1)); echo "$i|FAILED|NonZeroExitCode"; done`,
  scontrol: 'cat "$(dirname "$0")/end"',
  scancel: 'exit 0',
};

/** Put them into a world; the PATH on which they come first. */
export const fakeSlurm = (world: World): string => {
  const place = join(world.root, 'slurm');
  mkdirSync(place);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(place, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(place, name), 0o755);
  }
  return `${place}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
};

/** The words of each job: what sbatch was told, and those after the script. */
export const submitted = (world: World): { readonly options: string[]; readonly words: string[] }[] =>
  readFileSync(join(world.root, 'slurm/sbatch.asked'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\0').filter(Boolean))
    .map((all) => {
      const script = all.findIndex((word) => !word.startsWith('-'));
      return { options: all.slice(0, script), words: all.slice(script + 1) };
    });
