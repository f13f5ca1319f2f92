import { join } from 'node:path';
import { writeText } from '../system/publish.ts';
import type { BuildContext } from './context.ts';

/** Which versions of its dependencies a Module was built with, for a conf that minds: as dkms leaves it. */
export const dependencyMarks = ({ conf, dependencies, staging }: BuildContext): void => {
  if (!conf.rebuildWithDependencies) return;
  for (const { name, version } of dependencies) writeText(join(staging, `.dep_${name}`), `${version}\n`);
};
