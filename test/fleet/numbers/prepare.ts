import { contribSource } from '../../contrib.ts';
import { missingPackages } from '../../packages.ts';
import { emulatorPackages, realKernel } from '../../system/qemu.ts';
import { provisionFleet } from '../provision.ts';

/** Brings what the numbers of a fleet are measured with, while there is a network to bring it through. */

const fleet = provisionFleet();
const why =
  'missing' in fleet ? fleet.missing : missingPackages([...emulatorPackages, 'busybox-static', 'file', 'python3']);
if (why !== undefined || 'missing' in fleet) {
  process.stderr.write(`numbers of a fleet: ${why}\n`);
  process.exitCode = 1;
} else {
  contribSource('zfs-dkms');
  for (const { release } of fleet.kernels.slice(0, 1)) realKernel(release);
}
