import { artifactDirectory } from '../state/paths.ts';
import { dropArtifact, statementOf, storedArtifacts } from '../store/artifacts.ts';
import type { Check } from './view.ts';

/** Builds in the Store whose statement cannot be read: no build is taken from them. `store verify` looks at every byte. */
export const checkStore: Check = ({ settings: { stateDir }, isBusy }) =>
  (isBusy ? [] : storedArtifacts(stateDir))
    .filter(({ name, key }) => statementOf(stateDir, name, key) === undefined)
    .map(({ name, key }) => ({
      diagnosis: { code: 'artifact-unreadable', path: artifactDirectory(stateDir, name, key) },
      repair: () => dropArtifact(stateDir, name, key),
    }));
