import { provisionFleet } from './provision.ts';

/** Brings what a fleet needs, while there is a network to bring it through. */

const fleet = provisionFleet();
if ('missing' in fleet) {
  process.stderr.write(`tests of a fleet: ${fleet.missing}\n`);
  process.exitCode = 1;
}
