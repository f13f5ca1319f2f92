import type { ChildProcess } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Nobody closes its stdin, as long as it runs. */
  readonly stdinStaysOpen?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the child's whole process group is killed; 120,000 if not given. */
  readonly timeout?: number;
  /** Called with each piece of output as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface LiveRun {
  /** The leader of a process group of its own. */
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Kill a child that leads a process group, with all that it started. */
export const killGroup = (child: ChildProcess): void => {
  try {
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};

/** How a child ends: its status and all of its output. */
export const endOf = (child: ChildProcess, options: RunOptions): Promise<Ended> => {
  const collect = (stream: NodeJS.ReadableStream | null): { text: string } => {
    const collected = { text: '' };
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      collected.text += piece;
      options.onOutput?.(piece);
    });
    return collected;
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const timer = setTimeout(() => killGroup(child), options.timeout ?? 120_000);
  // A child that is killed or does not read must not end the test run with EPIPE.
  child.stdin?.on('error', () => undefined);
  if (options.stdinStaysOpen) child.stdin?.write(options.stdin ?? '');
  else child.stdin?.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: stdout.text, stderr: stderr.text });
    });
  });
};
