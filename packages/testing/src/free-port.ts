import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Whether a port of 127.0.0.1 is free now. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** Resolves to the first of `count` ports of 127.0.0.1, one after another, that are free now. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const all = Array.from({ length: count }, (_, i) => isFree(port + i));
    if ((await Promise.all(all)).every(Boolean)) return port;
  }
}
