import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFree } from './free-port.ts';

/** A server of a test's own, on a Unix socket or, in a cluster, on a port of 127.0.0.1. */
export interface TestServer extends AsyncDisposable {
  /** The socket's path. */
  readonly path: string;
  readonly port: number;
  /** Stops answering, without closing connections (SIGSTOP), and goes on (SIGCONT). */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. Nothing is kept. */
  kill(): Promise<void>;
  /** Starts it again, empty, if it does not run. */
  restart(): Promise<void>;
}

/** Returns the path of a server's program: HEED_VALKEY_SERVER, else one on PATH. */
export function findServer(): string | undefined {
  const named = process.env['HEED_VALKEY_SERVER'];
  if (named) return named;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin'];
  return ['valkey-server', 'redis-server']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

function program(): string {
  const path = findServer();
  if (path) return path;
  throw new Error('there is no valkey-server and no redis-server on PATH');
}

/** Starts a server with these arguments beside the usual ones, such as `--maxmemory 8mb`. */
export async function startServer(...args: readonly string[]): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'heed-valkey-'));
  const path = join(folder, 'v.sock');
  return started(folder, path, 0, ['--port', '0', '--unixsocket', path, ...args]);
}

async function started(
  folder: string,
  path: string,
  port: number,
  args: readonly string[],
): Promise<TestServer> {
  const quiet = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning', '--dir', folder];
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(program(), [...quiet, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    for (let i = 0; i < 400; i++) {
      if (child.exitCode !== null) throw new Error(`${program()} did not start:\n${said}`);
      if (await answers(path, port)) return child;
      await sleep(10);
    }
    throw new Error(`${program()} does not answer:\n${said}`);
  };
  let child = await launch();
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  const server: TestServer = {
    path,
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
    async restart() {
      if (child.exitCode === null && child.signalCode === null) return;
      child = await launch();
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', stop);
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}

/** Sends PING, and returns whether anything comes back. */
async function answers(path: string, port: number): Promise<boolean> {
  const reply = await ask(port > 0 ? { port, host: '127.0.0.1' } : { path }, ['PING']);
  return reply !== undefined;
}

/** Sends a command, in the protocol's words, and returns what comes back first. */
async function ask(
  where: { readonly path: string } | { readonly port: number; readonly host: string },
  words: readonly string[],
): Promise<string | undefined> {
  const { connect } = await import('node:net');
  const text = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
  return new Promise((resolve) => {
    const socket = connect(where);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    socket.on('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.write(`*${words.length}\r\n${text}`);
  });
}

/** Starts a cluster of three masters without replicas, which serves what is left when one is lost. */
export async function startCluster(): Promise<readonly TestServer[]> {
  const ports = await freePorts(3);
  const servers = await Promise.all(
    ports.map(async (port) => {
      const folder = await mkdtemp(join(tmpdir(), 'heed-cluster-'));
      const cluster = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'];
      const address = [
        '--port',
        `${port}`,
        '--bind',
        '127.0.0.1',
        '--cluster-node-timeout',
        '2000',
      ];
      return started(folder, '', port, [...cluster, ...address]);
    }),
  );
  const tell = async (port: number, ...words: string[]): Promise<void> => {
    const reply = await ask({ port, host: '127.0.0.1' }, ['CLUSTER', ...words]);
    if (!reply?.startsWith('+OK')) throw new Error(`CLUSTER ${words.join(' ')}: ${reply}`);
  };
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [i, port] of ports.entries()) {
    await tell(port, 'ADDSLOTSRANGE', `${bounds[i]}`, `${bounds[i + 1]! - 1}`);
    await tell(port, 'SET-CONFIG-EPOCH', `${i + 1}`);
  }
  for (const port of ports.slice(1)) await tell(ports[0]!, 'MEET', '127.0.0.1', `${port}`);
  for (let i = 0; i < 600; i++) {
    const info = await Promise.all(
      ports.map((port) => ask({ port, host: '127.0.0.1' }, ['CLUSTER', 'INFO'])),
    );
    const isReady = info.every(
      (text) => text?.includes('cluster_state:ok') && text.includes('cluster_known_nodes:3'),
    );
    if (isReady) return servers;
    await sleep(25);
  }
  throw new Error('the cluster did not come together');
}

/** Returns ports that are free, and whose cluster buses, 10,000 above, have a port too. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) ports.add(port);
  }
  return [...ports];
}
