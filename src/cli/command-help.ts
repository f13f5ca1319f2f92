/** Every command and what it does; help and manual are made from this. */
export const commandHelp = {
  'hook run': 'What package manager hooks and the boot service run: pacman|apt|rpm and its arguments, boot, or nothing',
  sync: 'Build and install every module that belongs on the kernels',
  plan: 'Show what sync would do, in order, and why',
  status: 'Show the state of every module, with remembered failures',
  verify: 'Check whether the installed modules will load, without loading them',
  guard: 'Before a transaction: stop it if a required module cannot be built for an incoming kernel',
  'boot-guard': 'See to it that no kernel without required modules is booted by default (boot_guard in framework.conf)',
  try: 'Before a kernel or module is installed: build its modules confined and say whether they will load',
  matrix: 'Build modules for many kernels, confined, without installing anything, and show what came of each',
  why: 'Show what has changed since a module was built, down to the file',
  lint: 'For authors of module packages: say what is wrong with sources and packages',
  doctor: 'Find what is wrong with the dkms tree, the records, keys, hooks and settings; --fix repairs what is safe',
  store: 'Show what was built and kept; gc brings it down to its limit, verify looks at every byte',
  push: 'Sign what was built and kept, and put it where other machines take it from (prebuilt in framework.conf)',
  produce: 'Build one module for one kernel from what is in the registry, and push the build, or that it fails',
  pack: 'Make packages of what was built and kept, for nodes that have the kernel and neither kmodsort nor a compiler',
  log: 'Show the last failure of a module and its log',
} as const;

/** Their first words. */
export const commands = Object.keys(commandHelp).map((name) => name.split(' ')[0] ?? name);
