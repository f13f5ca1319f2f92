import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { provisionKernels, repository } from '../kernels.ts';
import { run } from '../packages.ts';
import { fullDisk } from './full-disk.ts';
import { type Prebuilt, prebuild } from './modules.ts';
import { noiseParts } from './noise.ts';
import type { Measured } from './outcome.ts';
import { page } from './page.ts';
import { type Sweep, scenarios, sweep } from './sweep.ts';
import { together } from './together.ts';

/**
 * Faults, full disks, crowds and noise, in numbers. `--slice`: a little of each. `--rounds=N`, `--inputs=N`: so many;
 * `--stride=N`: every Nth change. `--write`: put the numbers into docs/reliability.md. Ends with 1 where something was found.
 */

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

/** How much of each part there is. */
interface Extent {
  readonly stride: number;
  readonly pages: number;
  readonly rounds: number;
  readonly inputs: number;
}

const whole: Extent = { stride: 1, pages: 1, rounds: 200, inputs: 20_000 };
const slice: Extent = { stride: 29, pages: 16, rounds: 5, inputs: 400 };

const seed = 1;

/** The number behind `--NAME=`. */
const given = (options: readonly string[], name: string, otherwise: number): number =>
  Number(options.find((option) => option.startsWith(`--${name}=`))?.split('=')[1] ?? otherwise);

const extentOf = (options: readonly string[]): Extent => {
  const extent = options.includes('--slice') ? slice : whole;
  const { rounds, inputs, stride } = extent;
  return {
    ...extent,
    stride: given(options, 'stride', stride),
    rounds: given(options, 'rounds', rounds),
    inputs: given(options, 'inputs', inputs),
  };
};

type Part = () => Promise<Measured>;

const partsOf = (prebuilt: Prebuilt, { stride, pages, rounds, inputs }: Extent): Part[] => {
  const sweeps = scenarios.flatMap((scenario): Sweep[] => [
    { scenario, how: 'kill', program: 'node' },
    { scenario, how: 'kill', program: 'depmod' },
    { scenario, how: 'full-once', program: 'node' },
    { scenario, how: 'full-from', program: 'node' },
  ]);
  return [
    ...sweeps.map((one) => () => sweep(prebuilt, one, stride)),
    ...scenarios.map((scenario) => () => fullDisk(prebuilt, scenario, pages)),
    ...noiseParts(prebuilt, inputs, seed),
    () => together(prebuilt, rounds, seed),
  ];
};

const show = ({ what, count, findings, seconds }: Measured): void => {
  say(`${what}: ${count}; ${findings.length} findings; ${seconds.toFixed(0)} s`);
  for (const { where, wrong } of findings.slice(0, 5)) {
    say(`  ${where}`);
    for (const line of wrong.slice(0, 8)) say(`    ${line.slice(0, 2000)}`);
  }
};

/** Two parts at a time where there are two processors, in their order. */
const runAll = async (parts: readonly Part[]): Promise<Measured[]> => {
  const results: Measured[] = [];
  const waiting = [...parts.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, part] = next;
      const measured = await part();
      show(measured);
      results[index] = measured;
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  return results;
};

const main = async (options: readonly string[]): Promise<number> => {
  const provision = provisionKernels();
  const [kernel] = provision.kind === 'ready' ? provision.kernels : [];
  if (!kernel) {
    say(`The torture cannot run here: ${provision.kind === 'missing' ? provision.why : 'there is no kernel'}`);
    return 1;
  }
  const start = performance.now();
  const results = await runAll(partsOf(await prebuild(kernel), extentOf(options)));
  const seconds = (performance.now() - start) / 1000;
  const found = results.reduce((sum, { findings }) => sum + findings.length, 0);
  say(`${found} findings in ${seconds.toFixed(0)} s`);
  const commit = run('git', ['-C', repository, 'rev-parse', '--short', 'HEAD']).trim();
  if (options.includes('--write'))
    writeFileSync(join(repository, 'docs', 'reliability.md'), page(results, seconds, commit, options));
  return found === 0 ? 0 : 1;
};

process.exitCode = await main(process.argv.slice(2));
