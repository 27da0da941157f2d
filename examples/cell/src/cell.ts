import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChatTokenizer } from '@heed/llm';
import { nodeFolder } from '@heed/llm/node';
import { createRouter } from '@heed/router';
import { followKvEvents } from '@heed/valkey';
import { cellClient, PAGE_SIZE } from './cell-client.ts';
import { cellFront } from './cell-front.ts';

export interface CellOptions {
  /** Folder of the checkpoint, and the model's name. */
  readonly model: string;
  readonly name: string;
  readonly workers: number;
  /** Of the front; 0 for a free one. */
  readonly port: number;
  readonly cacheBytes: number;
  /** The program of Valkey or Redis. */
  readonly valkey: string;
  readonly say: (line: string) => void;
}

const CELL = 'local';
const program = fileURLToPath(new URL('cell-worker.ts', import.meta.url));

/** Workers, their Valkey and the front, each a process of this machine but the front, which is this one. Dead workers start again. */
export class Cell {
  readonly #options: CellOptions;
  readonly #folder: string;
  readonly #children = new Map<string, ChildProcess>();
  #front: Server | undefined;
  #following: AsyncDisposable | undefined;
  #isUp = false;
  #isStopping = false;
  /** The part that ended before all were up, and why. */
  #fault: string | undefined;

  private constructor(options: CellOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /**
   * Resolves when the front listens and every worker has told that it is there.
   * @throws Error a part ended before that
   */
  static async start(options: CellOptions): Promise<Cell> {
    const folder = await mkdtemp(join(tmpdir(), 'heed-cell-'));
    const cell = new Cell(options, folder);
    try {
      await cell.#start();
    } catch (error) {
      await cell.stop();
      throw error;
    }
    return cell;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#front!.address() as AddressInfo).port}`;
  }

  /** Ends a part at once, as a fault would: `valkey`, or a worker by its name. It starts again by itself. */
  kill(name: string): void {
    this.#children.get(name)?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#front?.close();
    this.#front?.closeAllConnections();
    await this.#following?.[Symbol.asyncDispose]();
    const gone = [...this.#children.values()].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    });
    await Promise.all(gone);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #socket(): string {
    return join(this.#folder, 'valkey.sock');
  }

  async #start(): Promise<void> {
    const { model, name, workers, port, say } = this.#options;
    const { valkey } = this.#options;
    const memory = ['--maxmemory', '1gb', '--maxmemory-policy', 'volatile-lfu'];
    const quiet = ['--save', '', '--appendonly', 'no', '--port', '0', '--loglevel', 'warning'];
    this.#keep('valkey', valkey, [...quiet, ...memory, '--unixsocket', this.#socket]);
    await this.#until(() => existsSync(this.#socket));
    const router = createRouter({ pageSize: PAGE_SIZE, namespace: name });
    const client = cellClient(this.#socket);
    await once(client, 'ready');
    this.#following = followKvEvents(client, router, { cell: CELL });
    const tokenizer = await ChatTokenizer.load(nodeFolder(model));
    const storeBytes = async (): Promise<number | undefined> => {
      const text = await client.info('memory').catch(() => '');
      const found = /^used_memory:(\d+)/m.exec(text)?.[1];
      return found === undefined ? undefined : Number(found);
    };
    this.#front = cellFront({ router, tokenizer, storeBytes });
    this.#front.listen(port, '127.0.0.1');
    await once(this.#front, 'listening');
    const first = (this.#front.address() as AddressInfo).port + 1;
    for (let i = 0; i < workers; i++) this.#startWorker(`worker-${i}`, first + i);
    await this.#until(() => router.workers().filter(({ load }) => load).length >= workers);
    this.#isUp = true;
    say(`${name} at ${this.url}/v1, ${workers} workers; ${this.url}/ shows them`);
  }

  #startWorker(worker: string, port: number): void {
    const { model, name, cacheBytes } = this.#options;
    const flags = { model, name, worker, port, cell: CELL, valkey: this.#socket };
    const args = Object.entries({ ...flags, 'cache-bytes': cacheBytes }).flatMap(([key, value]) => {
      return [`--${key}`, String(value)];
    });
    this.#keep(worker, process.execPath, ['--conditions=@heed/source', program, ...args]);
  }

  /** Waits for a part; throws where a part has ended meanwhile. */
  async #until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.#fault !== undefined) throw new Error(this.#fault);
      await sleep(50);
    }
  }

  /** Starts a program, and again a second after it has ended, once all parts are up. */
  #keep(name: string, path: string, args: readonly string[]): void {
    const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#children.set(name, child);
    const again = (reason: string): void => {
      if (this.#isStopping) return;
      if (!this.#isUp) {
        this.#fault ??= `${name} does not start (${reason}).`;
        return;
      }
      this.#options.say(`${name} has ended (${reason}); it starts again`);
      setTimeout(() => {
        if (!this.#isStopping) this.#keep(name, path, args);
      }, 1000);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isThere = error.code !== 'ENOENT';
      again(isThere ? error.message : `there is no program ${path}; install it, or see --help`);
    });
    child.once('exit', (code, signal) => again(signal ?? `status ${code}`));
  }
}
