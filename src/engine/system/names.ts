/** Which texts may become part of a path or of a command: names, versions, releases, and paths below a directory. */

const segment = /^[A-Za-z0-9_][A-Za-z0-9._+~@:-]*$/;

/** Whether text can be one segment of a path: what it starts with is a letter, a digit or an underscore. */
export const isPathSegment = (text: string): boolean => segment.test(text);

/** Whether text can be the name or version of a module, or the release of a kernel: one segment without `..` in it. */
export const isCleanName = (text: string): boolean => isPathSegment(text) && !text.includes('..');

/** Whether a path is relative and never leads above where it starts. */
export const staysBelow = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..');

/** Whether a package of that name is asked by a build for a kernel: compilers, linkers, what kbuild calls. */
export const isBuildTool = (name: string): boolean =>
  /^(gcc|g\+\+|cpp|clang|llvm|lld|lib(llvm|clang|gcc|cc1|binutils|ctf|gprofng|isl|mpc|mpfr)|binutils|make|pahole|dwarves|rustc?|bc|bison|flex)\b/.test(
    name,
  );

/** Whether a file name is one of a package: dpkg's, rpm's, or pacman's. */
export const isPackageFile = (name: string): boolean => /\.(deb|rpm)$|\.pkg\.tar(\.\w+)?$/.test(name);
