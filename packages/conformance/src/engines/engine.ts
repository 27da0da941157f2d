import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Capabilities } from '@heed/core';
import { build } from 'vite';
import type { CaseReport } from '../cases/shared/case.ts';
import { type EngineName, start } from './engine-process.ts';
import type { DeviceOptions } from './open-adapter.ts';

/** An answer to the engine's program: how to open the device, then one case after the other. */
export type Job = { readonly device: DeviceOptions } | { readonly id: string };

/** A request of the engine's program for its next job, with the result of the last one. */
export type Message =
  | { readonly kind: 'started' }
  | { readonly kind: 'opened'; readonly capabilities: Capabilities }
  | { readonly kind: 'broken'; readonly error: string }
  | {
      readonly kind: 'case';
      readonly report: CaseReport;
      /** Distinct pipelines that the device has made so far. */
      readonly pipelines: number;
      /** Whether the device is lost: no other case can run on it. */
      readonly lost: boolean;
    };

let bundled: Promise<string> | undefined;

/** Bundles the program with the packages' sources into one module that every engine can load. */
function programText(): Promise<string> {
  return (bundled ??= bundle());
}

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    root: fileURLToPath(new URL('../../', import.meta.url)),
    logLevel: 'error',
    resolve: { conditions: ['@heed/source', 'module', 'default'] },
    build: {
      write: false,
      minify: false,
      target: 'es2024',
      lib: { entry: fileURLToPath(new URL('engine-program.ts', import.meta.url)), formats: ['es'] },
      rolldownOptions: { external: ['webgpu'], output: { codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !('output' in output)) throw new Error('vite gave no bundle');
  return output.output[0].code;
}

/** The longest silence of an engine, after which it counts as hanging. A test may take as long. */
const LIMIT_MS = 300_000;

const page =
  '<!doctype html><meta charset="utf-8"><script type="module" src="program.js"></script>';

/** One process of an engine, in which the program waits for jobs. */
interface Session {
  /** Sends a job and resolves with its result. Rejects when the engine ends or hangs, with the last lines that it printed. */
  readonly ask: (job: Job) => Promise<Message>;
  readonly close: () => void;
}

/** Starts an engine and waits until its program has connected. */
async function openSession(name: EngineName): Promise<Session> {
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
      return await inbox.next(job, `${name} sent nothing for ${LIMIT_MS / 1000} s`);
    } catch (error) {
      close();
      throw error;
    }
  };
  await ask();
  return { ask, close };
}

/** The program's pending request: it carries a message, and is answered once there is a job. */
class Inbox {
  #idle: ServerResponse | undefined;
  #wanted = Promise.withResolvers<Message>();
  #over: Error | undefined;

  async post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = JSON.parse(await text(request)) as Message;
    this.#idle = response;
    this.#wanted.resolve(message);
  }

  /** Rejects the message that is awaited, and all later ones. */
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

/** Runs cases in another engine, each in a process of that engine. A case that crashes the process fails alone: the next case starts a new one. */
export interface Engine {
  readonly capabilities: Capabilities;
  /** Distinct pipelines, summed over all processes so far. */
  readonly pipelines: number;
  readonly runCase: (id: string) => Promise<CaseReport>;
  readonly close: () => void;
}

interface Opened extends Session {
  readonly capabilities: Capabilities;
}

/**
 * Starts an engine and opens its adapter. The program to start is named by `HEED_DENO`, `HEED_FIREFOX` or `HEED_CHROMIUM`, else
 * by its usual name.
 * @throws Error the engine does not start, or has no adapter
 */
export async function openEngine(
  name: EngineName,
  device: DeviceOptions = { minimal: false, path: undefined },
): Promise<Engine> {
  let session: Opened | undefined = await open(name, device);
  const { capabilities } = session;
  let earlier = 0;
  let current = 0;
  const end = (): void => {
    session?.close();
    session = undefined;
    earlier += current;
    current = 0;
  };
  return {
    capabilities,
    get pipelines() {
      return earlier + current;
    },
    async runCase(id) {
      session ??= await open(name, device);
      const started = performance.now();
      try {
        const message = await session.ask({ id });
        if (message.kind !== 'case') throw new Error(textOf(message));
        current = message.pipelines;
        if (message.lost) end();
        return withInfinity(message.report);
      } catch (error) {
        end();
        const report = error instanceof Error ? error.message : String(error);
        return { id, status: 'fail', ms: performance.now() - started, report };
      }
    },
    close: end,
  };
}

/** Restores an infinite error, which JSON turns into null. */
function withInfinity(report: CaseReport): CaseReport {
  return (report.error as number | null) === null ? { ...report, error: Infinity } : report;
}

async function open(name: EngineName, device: DeviceOptions): Promise<Opened> {
  const session = await openSession(name);
  const message = await session.ask({ device });
  if (message.kind === 'opened') return { ...session, capabilities: message.capabilities };
  session.close();
  throw new Error(`${name}: ${textOf(message)}`);
}

function textOf(message: { kind: string; error?: string }): string {
  return message.error ?? `unexpected message: ${message.kind}`;
}
