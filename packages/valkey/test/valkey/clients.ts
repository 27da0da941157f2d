import { Redis as IoRedis } from 'ioredis';
import { Redis as IoValkey } from 'iovalkey';
import type { ValkeyClient } from '../../src/index.ts';

/** A client of a test, with its own ways to end. */
export type TestClient = ValkeyClient & {
  quit(): Promise<unknown>;
  disconnect(): void;
  on(event: 'error', listener: () => void): unknown;
  call(command: string, ...args: (string | number)[]): Promise<unknown>;
};

const open: TestClient[] = [];

/** Returns a client of a server's socket. `closeClients` ends it. */
export function connect(
  path: string,
  kind: 'iovalkey' | 'ioredis' = 'iovalkey',
  options: object = {},
): TestClient {
  const client: TestClient =
    kind === 'iovalkey' ? new IoValkey({ path, ...options }) : new IoRedis({ path, ...options });
  client.on('error', () => {}); // lost connections are what the tests are about
  open.push(client);
  return client;
}

export function closeClients(): void {
  for (const client of open.splice(0)) client.disconnect();
}
