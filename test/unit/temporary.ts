import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

/** A private directory for the tests of one file; it goes away with them. */
export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'kmodsort-unit-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

/** Write a file with all directories above it; its path. */
export const put = (path: string, text: string | Buffer = '', mode = 0o644): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
  return path;
};
