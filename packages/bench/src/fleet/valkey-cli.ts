import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { findServer, startServer } from '@heed/testing/valkey';
import { Redis } from 'iovalkey';
import { openGpuHost, openHeed } from '../measure/gpu-host.ts';
import { type FleetRow, median } from './fleet-row.ts';
import { keptBytes } from './kept-bytes.ts';
import { routerRate } from './router-rate.ts';
import { adapterRate, digestCost, loadCost } from './store-rate.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

const path = findServer();
if (path === undefined) {
  say('there is no valkey-server and no redis-server on PATH');
  process.exit(2);
}

const rows: FleetRow[] = [];
const add = async (row: Promise<FleetRow> | FleetRow): Promise<void> => {
  rows.push(await row);
  say(textOf(rows.at(-1)!));
};

const server = await startServer('--maxmemory', '256mb', '--maxmemory-policy', 'volatile-lfu');
const client = new Redis(server.path);
const host = await openGpuHost();
const gpu = await openHeed(host);
try {
  await add(loadCost(gpu, client));
  await add(digestCost());
  await add(adapterRate(client, 64, 1 << 16));
  await add(adapterRate(client, 8, 1_835_008));
  await add(keptBytes());
  await add(routerRate());
} finally {
  gpu.dispose();
  client.disconnect();
  await server[Symbol.asyncDispose]();
}

if (values.json) process.stdout.write(`${JSON.stringify({ host: host.adapter, rows }, null, 2)}\n`);
else {
  process.stdout.write(
    `${cpus()[0]?.model ?? ''}, ${cpus().length} cores, ${path}, ${host.adapter}\n`,
  );
  for (const row of rows) process.stdout.write(`${textOf(row)}\n`);
}
process.exitCode = rows.every(isMet) ? 0 : 1;

function textOf(row: FleetRow): string {
  const { name, unit, runs, floor, atMost } = row;
  const limit = floor === undefined ? `at most ${atMost}` : `at least ${floor}`;
  const range = `${Math.min(...runs).toFixed(2)} to ${Math.max(...runs).toFixed(2)}`;
  return `${name}: ${median(runs).toFixed(2)} ${unit} (${range} of ${runs.length}); ${limit}${isMet(row) ? '' : ': missed'}`;
}

function isMet({ runs, floor = -Infinity, atMost = Infinity }: FleetRow): boolean {
  return median(runs) >= floor && median(runs) <= atMost;
}
