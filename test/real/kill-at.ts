import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../packages.ts';
import type { World } from '../world.ts';

/**
 * Ends the program with SIGKILL right before its Nth change of a name in a world's trees: no delay hits the
 * moment between two renames, this hits each.
 */

const code = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

static int count;

static void reach(const char *what, const char *path)
{
	const char *at = getenv("KILL_AT"), *below = getenv("KILL_BELOW"), *told = getenv("KILL_TOLD");
	FILE *file;
	if (!at || !below || !told || strcmp(program_invocation_short_name, "node"))
		return;
	if (strncmp(path, below, strlen(below)) || !strncmp(path + strlen(below), "tmp/", 4))
		return;
	count++;
	file = fopen(told, "a");
	if (file) {
		fprintf(file, "%s %s\\n", what, path);
		fclose(file);
	}
	if (count == atoi(at))
		kill(getpid(), SIGKILL);
}

#define ONE(name) \\
	int name(const char *path) \\
	{ \\
		int (*real)(const char *) = dlsym(RTLD_NEXT, #name); \\
		reach(#name, path); \\
		return real(path); \\
	}
ONE(unlink)
ONE(rmdir)
ONE(remove)

int mkdir(const char *path, mode_t mode)
{
	int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
	reach("mkdir", path);
	return real(path, mode);
}

#define TWO(name) \\
	int name(const char *from, const char *to) \\
	{ \\
		int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, #name); \\
		reach(#name, to); \\
		return real(from, to); \\
	}
TWO(rename)
TWO(symlink)
TWO(link)
`;

export interface KillAt {
  /** For the environment of a run that is to be killed before its Nth change. */
  readonly environment: (change: number) => Readonly<Record<string, string>>;
  /** The changes of the last run, the one that it did not live to make last. */
  readonly told: () => string[];
}

/** @param compiler the command of a C compiler */
export const makeKillAt = (world: World, compiler: string): KillAt => {
  const source = join(world.root, 'kill-at.c');
  const library = join(world.root, 'kill-at.so');
  const told = join(world.root, 'kill-at.log');
  writeFileSync(source, code);
  run(compiler, ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  return {
    environment: (change) => {
      rmSync(told, { force: true });
      return { LD_PRELOAD: library, KILL_AT: String(change), KILL_BELOW: `${world.root}/`, KILL_TOLD: told };
    },
    told: () => (existsSync(told) ? readFileSync(told, 'utf8').split('\n').filter(Boolean) : []),
  };
};
