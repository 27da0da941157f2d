import { Redis as Valkey } from 'iovalkey';

/** Tokens in a page, of all workers and of the router. */
export const PAGE_SIZE = 16;

/** Connects to the cell's Valkey. Commands fail at once while there is no connection: a page that cannot be had is computed. */
export const cellClient = (path: string): Valkey => {
  const client = new Valkey({ path, enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  // Its commands tell their own errors.
  client.on('error', () => {});
  return client;
};
