import type { Machine } from './machine.ts';

/** Every path of a machine but those of its kernel's own file systems and of one directory, with what tells it from another. */
export const everythingBut = async (machine: Machine, directory: string): Promise<string[]> => {
  const passedOver = ['/proc', '/dev', '/sys', '/run', directory].flatMap((path) => ['-path', path, '-o']).slice(0, -1);
  const { stdout } = await machine.run(
    ['find', '/', '(', ...passedOver, ')', '-prune', '-o', '-printf', '%p %y %m %u %s %T@ %l\\n'],
    { timeout: 120_000 },
  );
  return stdout.split('\n').sort();
};
