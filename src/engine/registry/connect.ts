import { directoryRemote } from './directory.ts';
import type { Registry } from './reference.ts';
import type { Connection, Remote } from './remote.ts';
import { registryRemote } from './skopeo.ts';

/** The way to what `prebuilt` names. */
export const remoteOf = (connection: Connection, registry: Registry): Remote =>
  registry.kind === 'registry' ? registryRemote(connection, registry.name) : directoryRemote(connection, registry.path);
