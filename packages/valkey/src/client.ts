/** Fields of a stream's entry, and its id. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/**
 * What heed calls of a client: iovalkey's or ioredis's `Redis` and `Cluster` have it. TLS, users, passwords and the version of the
 * protocol are the client's affair.
 */
export interface ValkeyClient {
  /** GET: the bytes of a value; null for none. */
  getBuffer(key: string): Promise<Uint8Array | null>;
  /** SET … EX: a value that expires after seconds. */
  set(
    key: string,
    value: string | number | Uint8Array,
    unit: 'EX',
    seconds: number,
  ): Promise<unknown>;
  /** SET … PX: a value that expires after milliseconds. */
  set(
    key: string,
    value: string | number | Uint8Array,
    unit: 'PX',
    milliseconds: number,
  ): Promise<unknown>;
  /** SET: a value that stays. */
  set(key: string, value: string | number | Uint8Array): Promise<unknown>;
  /** UNLINK: forgets a value. */
  unlink(key: string): Promise<number>;
  /** XADD: appends an entry to a stream. */
  xadd(key: string, ...args: (string | number)[]): Promise<string | null>;
  /** XREAD: entries of streams behind these ids, waiting for the first. */
  xread(
    count: 'COUNT',
    most: number,
    block: 'BLOCK',
    milliseconds: number,
    streams: 'STREAMS',
    ...keysAndIds: string[]
  ): Promise<readonly (readonly [key: string, entries: readonly StreamEntry[]])[] | null>;
  /** SMEMBERS: the members of a set. */
  smembers(key: string): Promise<string[]>;
  /** SADD: adds a member to a set. */
  sadd(key: string, member: string): Promise<number>;
  /** SREM: takes a member out of a set. */
  srem(key: string, member: string): Promise<number>;
  /** SCAN: some keys, and where to go on. */
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    most: number,
  ): Promise<[cursor: string, keys: string[]]>;
  /** Another connection with the same settings. */
  duplicate(...args: never[]): unknown;
  /** Of a cluster. */
  nodes?(role: 'master'): Pick<ValkeyClient, 'scan'>[];
  /** TTL, in seconds. Without `ttl` and `expire`, hits are not renewed. */
  ttl?(key: string): Promise<number>;
  /** EXPIRE, in seconds. */
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
