/** Fields of a stream's entry, and its id. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/**
 * What heed calls of a client: iovalkey's or ioredis's `Redis` and `Cluster` have it. TLS, users, passwords and the version of the
 * protocol are the client's affair.
 */
export interface ValkeyClient {
  getBuffer(key: string): Promise<Uint8Array | null>;
  set(
    key: string,
    value: string | number | Uint8Array,
    unit: 'EX',
    seconds: number,
  ): Promise<unknown>;
  set(
    key: string,
    value: string | number | Uint8Array,
    unit: 'PX',
    milliseconds: number,
  ): Promise<unknown>;
  set(key: string, value: string | number | Uint8Array): Promise<unknown>;
  unlink(key: string): Promise<number>;
  xadd(key: string, ...args: (string | number)[]): Promise<string | null>;
  xread(
    count: 'COUNT',
    most: number,
    block: 'BLOCK',
    milliseconds: number,
    streams: 'STREAMS',
    ...keysAndIds: string[]
  ): Promise<readonly (readonly [key: string, entries: readonly StreamEntry[]])[] | null>;
  smembers(key: string): Promise<string[]>;
  sadd(key: string, member: string): Promise<number>;
  srem(key: string, member: string): Promise<number>;
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    most: number,
  ): Promise<[cursor: string, keys: string[]]>;
  duplicate(...args: never[]): unknown;
  /** Of a cluster. */
  nodes?(role: 'master'): Pick<ValkeyClient, 'scan'>[];
  /** Without `ttl` and `expire`, hits are not renewed. */
  ttl?(key: string): Promise<number>;
  expire?(key: string, seconds: number): Promise<number>;
  /** Without it, the policy of eviction is not reported. */
  info?(section: string): Promise<string>;
}

/** A connection of heed's own. */
export interface OwnClient extends ValkeyClient {
  disconnect(): void;
}

/** Returns another connection, on which a command may wait for ever, and whose failures show in its commands alone. */
export function ownConnection(client: ValkeyClient): OwnClient {
  const { options } = client as { options?: { redisOptions?: object } };
  const patient = { commandTimeout: undefined };
  const duplicate = client.duplicate as (...args: unknown[]) => OwnClient & {
    on?(event: 'error', listener: () => void): void;
  };
  const own = client.nodes
    ? duplicate.call(client, undefined, { redisOptions: { ...options?.redisOptions, ...patient } })
    : duplicate.call(client, patient);
  own.on?.('error', () => {});
  return own;
}

const parts = ['getBuffer', 'set', 'unlink', 'xadd', 'xread', 'smembers', 'sadd', 'srem', 'scan'];

/** Returns the function that a client lacks; undefined if it has all. */
export const missingPart = (client: unknown): string | undefined =>
  [...parts, 'duplicate'].find(
    (part) => typeof (client as Record<string, unknown> | undefined | null)?.[part] !== 'function',
  );
