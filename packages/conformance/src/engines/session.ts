import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { programText } from './bundle.ts';
import type { Job, Message } from './message.ts';
import { type EngineName, start } from './start.ts';

/** As long as a test may take: what says nothing for so long hangs. */
const LIMIT_MS = 300_000;

const page =
  '<!doctype html><meta charset="utf-8"><script type="module" src="program.js"></script>';

/** One process of an engine, in which the program waits for jobs. */
export interface Session {
  /** Hands over a job and gives what came of it. Rejects when the engine ends or hangs, with the end of what it printed. */
  readonly ask: (job: Job) => Promise<Message>;
  readonly close: () => void;
}

/** Starts an engine and waits until the program runs in it. */
export async function openSession(name: EngineName): Promise<Session> {
  const program = await programText();
  const inbox = new Inbox();
  const server = createServer((request, response) => {
    if (request.method === 'POST') return void inbox.post(request, response);
    const isProgram = request.url === '/program.js';
    response.setHeader('content-type', isProgram ? 'text/javascript' : 'text/html');
    response.end(isProgram ? program : page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { child, stop } = start(
    name,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  );
  let printed = '';
  child.stderr?.on('data', (chunk: Buffer) => (printed = (printed + String(chunk)).slice(-4000)));
  child.on('error', (error) => inbox.fail(error));
  child.on('close', (code, signal) =>
    inbox.fail(new Error(`${name} ended (${signal ?? code}):\n${printed.trim()}`)),
  );
  const close = (): void => {
    stop();
    server.close();
    server.closeAllConnections();
  };
  const ask = async (job?: Job): Promise<Message> => {
    try {
      return await inbox.next(job, `${name} said nothing for ${LIMIT_MS / 1000} s`);
    } catch (error) {
      close();
      throw error;
    }
  };
  await ask();
  return { ask, close };
}

/** The program's requests: each brings a message, and is answered with a job when there is one. */
class Inbox {
  #idle: ServerResponse | undefined;
  #wanted = Promise.withResolvers<Message>();
  #over: Error | undefined;

  async post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = JSON.parse(await text(request)) as Message;
    this.#idle = response;
    this.#wanted.resolve(message);
  }

  /** Nothing more will come. */
  fail(error: Error): void {
    this.#over ??= error;
    this.#wanted.promise.catch(() => {});
    this.#wanted.reject(this.#over);
  }

  /** Sends a job, if any, and waits for the next message. */
  async next(job: Job | undefined, silence: string): Promise<Message> {
    if (this.#over) throw this.#over;
    if (job) {
      this.#wanted = Promise.withResolvers<Message>();
      this.#idle?.end(JSON.stringify(job));
    }
    const timer = setTimeout(() => this.fail(new Error(silence)), LIMIT_MS);
    try {
      return await this.#wanted.promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
