import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from '../packages.ts';

/**
 * A library that is loaded before the C library and counts the calls of one program that change a file below a
 * directory. At the Nth it kills that program, or says that the disk is full.
 */

const code = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int count;

static void tell(const char *what, const char *path)
{
	char line[4400];
	const char *told = getenv("FAULT_TOLD");
	int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
	ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
	int fd = told ? real_open(told, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	snprintf(line, sizeof line, "%s %s\\n", what, path);
	if (real_write(fd, line, strlen(line)) < 0)
		_exit(99);
	close(fd);
}

/* Whether the call is to fail; it is not to return where the program is to die. */
static int reach(const char *what, const char *path, int takes_space)
{
	const char *at = getenv("FAULT_AT"), *below = getenv("FAULT_BELOW"), *how = getenv("FAULT_HOW");
	const char *program = getenv("FAULT_PROGRAM");
	int now, saved = errno, full;
	if (!at || !below || !how || !program || strcmp(program_invocation_short_name, program))
		return 0;
	if (strncmp(path, below, strlen(below)) || !strncmp(path + strlen(below), "tmp/", 4))
		return 0;
	full = strcmp(how, "kill");
	if (full && !takes_space)
		return 0;
	now = __sync_add_and_fetch(&count, 1);
	tell(what, path);
	errno = saved;
	if (!full && now == atoi(at)) {
		/* A tool that we call dies together with us. */
		if (strcmp(program, "node"))
			kill(getppid(), SIGKILL);
		kill(getpid(), SIGKILL);
	}
	if (full && (now == atoi(at) || (!strcmp(how, "full-from") && now >= atoi(at)))) {
		errno = ENOSPC;
		return 1;
	}
	return 0;
}

static int reach_fd(const char *what, int fd, int takes_space)
{
	char name[64], path[4200];
	ssize_t length;
	if (!getenv("FAULT_AT"))
		return 0;
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	length = readlink(name, path, sizeof path - 1);
	if (length <= 0)
		return 0;
	path[length] = 0;
	return reach(what, path, takes_space);
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = dlsym(RTLD_NEXT, #name)

#define OPEN(name) \\
	int name(const char *path, int flags, ...) \\
	{ \\
		REAL(int, name, const char *, int, ...); \\
		mode_t mode = 0; \\
		if (flags & (O_CREAT | O_TMPFILE)) { \\
			va_list list; \\
			va_start(list, flags); \\
			mode = va_arg(list, mode_t); \\
			va_end(list); \\
		} \\
		if ((flags & (O_CREAT | O_TRUNC)) && reach(#name, path, 1)) \\
			return -1; \\
		return real(path, flags, mode); \\
	}
OPEN(open)
OPEN(open64)

#define STREAM(name) \\
	FILE *name(const char *path, const char *mode) \\
	{ \\
		REAL(FILE *, name, const char *, const char *); \\
		if (*mode != 'r' && reach(#name, path, 1)) \\
			return NULL; \\
		return real(path, mode); \\
	}
STREAM(fopen)
STREAM(fopen64)

#define ON_FD(type, name, takes_space, params, args) \\
	type name params \\
	{ \\
		type(*real) params = dlsym(RTLD_NEXT, #name); \\
		return reach_fd(#name, fd, takes_space) ? -1 : real args; \\
	}
ON_FD(ssize_t, write, 1, (int fd, const void *data, size_t size), (fd, data, size))
ON_FD(ssize_t, pwrite, 1, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
ON_FD(ssize_t, pwrite64, 1, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
ON_FD(ssize_t, writev, 1, (int fd, const struct iovec *data, int n), (fd, data, n))
ON_FD(ssize_t, pwritev, 1, (int fd, const struct iovec *data, int n, off_t at), (fd, data, n, at))
ON_FD(ssize_t, pwritev64, 1, (int fd, const struct iovec *data, int n, off64_t at), (fd, data, n, at))
ON_FD(ssize_t, copy_file_range, 1, (int in, off64_t *from, int fd, off64_t *to, size_t size, unsigned int flags),
      (in, from, fd, to, size, flags))
ON_FD(ssize_t, sendfile64, 1, (int fd, int in, off64_t *from, size_t size), (fd, in, from, size))
ON_FD(int, ftruncate, 0, (int fd, off_t size), (fd, size))
ON_FD(int, ftruncate64, 0, (int fd, off64_t size), (fd, size))
ON_FD(int, fchmod, 0, (int fd, mode_t mode), (fd, mode))

#define ONE(name) \\
	int name(const char *path) \\
	{ \\
		REAL(int, name, const char *); \\
		return reach(#name, path, 0) ? -1 : real(path); \\
	}
ONE(unlink)
ONE(rmdir)
ONE(remove)

#define WITH_MODE(name, takes_space) \\
	int name(const char *path, mode_t mode) \\
	{ \\
		REAL(int, name, const char *, mode_t); \\
		return reach(#name, path, takes_space) ? -1 : real(path, mode); \\
	}
WITH_MODE(mkdir, 1)
WITH_MODE(chmod, 0)

char *mkdtemp(char *pattern)
{
	REAL(char *, mkdtemp, char *);
	return reach("mkdtemp", pattern, 1) ? NULL : real(pattern);
}

#define TWO(name) \\
	int name(const char *from, const char *to) \\
	{ \\
		REAL(int, name, const char *, const char *); \\
		return reach(#name, to, 1) ? -1 : real(from, to); \\
	}
TWO(rename)
TWO(symlink)
TWO(link)

int renameat(int from, const char *old, int to, const char *new)
{
	REAL(int, renameat, int, const char *, int, const char *);
	return reach_fd("renameat", to, 1) ? -1 : real(from, old, to, new);
}
`;

/** `kill`: the program dies; `full-once` and `full-from`: that call, or it and all that follow, find the disk full. */
export type How = 'kill' | 'full-once' | 'full-from';

export interface Fault {
  /** The environment of a program that meets it at its Nth change. */
  readonly environment: (how: How, at: number, program?: string) => Readonly<Record<string, string>>;
  /** The changes that the last program made or was to make. */
  readonly told: () => string[];
}

/**
 * @param root of the world whose files count, but for those in its tmp/
 * @param compiler the command of a C compiler
 * @param inside what programs in a root of their own call `root`
 */
export const makeFault = (root: string, compiler: string, inside = root): Fault => {
  const source = join(root, 'fault.c');
  const library = join(root, 'fault.so');
  const told = join(root, 'fault.log');
  writeFileSync(source, code);
  run(compiler, ['-shared', '-fPIC', '-w', '-o', library, source, '-ldl']);
  return {
    environment: (how, at, program = 'node') => {
      rmSync(told, { force: true });
      const facts = { FAULT_AT: String(at), FAULT_HOW: how, FAULT_PROGRAM: program };
      const seen = (path: string): string => join(inside, relative(root, path));
      return { LD_PRELOAD: seen(library), FAULT_BELOW: join(inside, '/'), FAULT_TOLD: seen(told), ...facts };
    },
    told: () => (existsSync(told) ? readFileSync(told, 'utf8').split('\n').filter(Boolean) : []),
  };
};
