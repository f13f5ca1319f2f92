import { readFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';

/** What a machine asks a registry for, heard by a proxy, and the same said again by as many as are wanted. */

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly accept: string;
}

/** A proxy to a registry that writes down what it is asked. */
export interface Listener {
  readonly heard: readonly Question[];
  readonly server: Server;
}

export const listenBefore = async (address: string, port: number): Promise<Listener> => {
  const heard: Question[] = [];
  const server = createServer((asked, answer) => {
    const { method = 'GET', url: path = '/' } = asked;
    heard.push({ method, path, accept: [asked.headers.accept ?? '*/*'].flat().join(', ') });
    const onward = request({ host: address, port, method, path, headers: asked.headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(port, resolve));
  return { heard, server };
};

/** Ask one question; bytes of the answer. */
const ask = (address: string, port: number, agent: Agent, { method, path, accept }: Question): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: address, port, method, path, agent, headers: { accept } }, (answer) => {
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length;
      });
      answer.on('end', () => resolve(bytes));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });

/** Seconds of CPU that a process has used: proc(5), utime and stime. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

export interface Served {
  readonly pulls: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Seconds that the slowest of them took. */
  readonly slowest: number;
}

/** As many machines at once as `side`, each with connections of its own, one after the other for so many seconds. */
export const pullFor = async (
  address: string,
  port: number,
  questions: readonly Question[],
  side: number,
  seconds: number,
): Promise<Served> => {
  const start = performance.now();
  const end = start + seconds * 1000;
  let [pulls, bytes, slowest] = [0, 0, 0];
  const machine = async (): Promise<void> => {
    while (performance.now() < end) {
      const began = performance.now();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (const question of questions) {
        const came = await ask(address, port, agent, question);
        bytes += came;
      }
      agent.destroy();
      pulls += 1;
      slowest = Math.max(slowest, (performance.now() - began) / 1000);
    }
  };
  await Promise.all(Array.from({ length: side }, machine));
  return { pulls, bytes, slowest, seconds: (performance.now() - start) / 1000 };
};
