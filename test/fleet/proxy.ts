import { request as call, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hubPort } from './fleet.ts';
import { hub } from './network.ts';

/** What stands between machines and their registry, and does to answers what networks and broken servers do. */

export type Fault =
  /** This status in the place of the answer. */
  | { readonly status: number }
  /** So many bytes of the body, then the connection ends. */
  | { readonly cutAfter: number }
  /** One byte is another one. */
  | { readonly wrongByte: number }
  | { readonly bytesPerSecond: number }
  /** So many bytes of the body, and then nothing, for ever. */
  | { readonly stopsAfter: number }
  /** This text, as if it were the answer. */
  | { readonly page: string }
  /** The answer, and zeros as long as anybody takes them. */
  | 'endless'
  /** The registry has it; nobody is told. */
  | 'no-answer';

export interface Rule {
  /** Which requests it is for: `GET /v2/kmods/low/blobs/sha256:...`. */
  readonly on: RegExp;
  readonly fault: Fault;
  /** How often it happens; always if not given. */
  times?: number;
}

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
};

const trickle = async (response: ServerResponse, body: Buffer, bytesPerSecond: number): Promise<void> => {
  const step = Math.max(1, Math.floor(bytesPerSecond / 10));
  for (let at = 0; at < body.length && !response.destroyed; at += step) {
    response.write(body.subarray(at, at + step));
    await wait(100);
  }
  response.end();
};

/** Send a body as a fault has it. */
const sendWith = async (
  response: ServerResponse,
  body: Buffer,
  fault: Exclude<Fault, string | { page: string }>,
): Promise<void> => {
  if ('bytesPerSecond' in fault) return trickle(response, body, fault.bytesPerSecond);
  if ('wrongByte' in fault) {
    const wrong = Buffer.from(body);
    wrong.writeUInt8(wrong.readUInt8(fault.wrongByte) ^ 1, fault.wrongByte);
    response.end(wrong);
    return;
  }
  if ('stopsAfter' in fault) {
    response.write(body.subarray(0, fault.stopsAfter));
    return;
  }
  if ('cutAfter' in fault)
    response.write(body.subarray(0, fault.cutAfter), () => {
      response.destroy();
    });
};

const sendForEver = (response: ServerResponse, content: Buffer): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
  };
  response.on('drain', more).write(content);
  more();
};

export class FaultyProxy {
  rules: Rule[] = [];
  /** What was asked, as rules have it. */
  readonly asked: string[] = [];
  readonly #server: Server;

  constructor(address: string) {
    this.#server = createServer((request, response) => {
      this.#answer(address, request, response).catch((error: unknown) => {
        process.stderr.write(`proxy: ${request.method} ${request.url}: ${error}\n`);
        response.destroy();
      });
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(hubPort, hub, resolve));
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #faultFor(asked: string): Fault | undefined {
    const rule = this.rules.find(({ on, times }) => times !== 0 && on.test(asked));
    if (rule?.times !== undefined) rule.times -= 1;
    return rule?.fault;
  }

  async #answer(address: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '', headers } = request;
    this.asked.push(`${method} ${url}`);
    const fault = this.#faultFor(`${method} ${url}`);
    const body = await bodyOf(request);
    if (fault instanceof Object && 'status' in fault) {
      response.writeHead(fault.status).end();
      return;
    }
    if (fault instanceof Object && 'page' in fault) {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(fault.page);
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const onward = call({ host: address, port: 5000, method, path: url, headers }, resolve);
      onward.on('error', reject).end(body);
    });
    const content = await bodyOf(answer);
    if (fault === 'no-answer') return;
    const { 'content-length': _length, ...headersOfAny } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, fault === 'endless' ? headersOfAny : answer.headers);
    if (fault === 'endless') sendForEver(response, content);
    else if (fault && content.length > 0) await sendWith(response, content, fault);
    else response.end(content);
  }
}

/** Stand between everybody who asks the hub and the registry at an address. */
export const startProxy = async (address: string): Promise<FaultyProxy> => {
  const proxy = new FaultyProxy(address);
  await proxy.listen();
  return proxy;
};
