import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../packages.ts';
import type { Prebuilt } from './modules.ts';
import type { Finding, Measured } from './outcome.ts';
import { makeStage, runIn, type Scenario, wrongAfter } from './sweep.ts';

/** A real file system that is full to the byte: with so many pages left, and more each time, until a run succeeds. */

const page = 4096;

/** Fill what is free but for so many pages. */
const fill = (directory: string, pages: number): void => {
  const { bavail, bsize } = statfsSync(directory);
  const fd = openSync(join(directory, 'filler'), 'w');
  const block = Buffer.alloc(page);
  try {
    for (let left = (bavail * bsize) / page - pages; left > 0; left -= 1) writeSync(fd, block);
  } finally {
    closeSync(fd);
  }
};

/**
 * @param stride pages that are left more from one time to the next
 */
export const fullDisk = async (prebuilt: Prebuilt, scenario: Scenario, stride: number): Promise<Measured> => {
  const start = performance.now();
  const findings: Finding[] = [];
  const stage = await makeStage(prebuilt, scenario);
  const disk = join(stage.world.root, 'var');
  let count = 0;
  try {
    for (let pages = 0; ; pages += stride) {
      stage.reset();
      const kept = join(stage.world.root, 'tmp', 'kept-var');
      rmSync(kept, { recursive: true, force: true });
      run('cp', ['-a', disk, kept]);
      run('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=755', 'kmodsort-torture', disk]);
      try {
        run('cp', ['-a', `${kept}/.`, disk]);
        fill(disk, pages);
        const first = await runIn(stage);
        rmSync(join(disk, 'filler'));
        const wrong = await wrongAfter(stage, first, []);
        count += 1;
        if (wrong.length > 0) findings.push({ where: `${scenario.name}, ${pages} pages left`, wrong });
        if (first.code === 0) break;
      } finally {
        run('umount', [disk]);
      }
    }
  } finally {
    stage.world.dispose();
  }
  return {
    what: `${scenario.name} on a disk with 0, ${stride}, ${2 * stride} … pages left`,
    count,
    findings,
    seconds: (performance.now() - start) / 1000,
  };
};
