/** Where a number comes from. */
export type Origin = 'measured' | 'published' | 'assumed' | 'computed';

/** A number with its unit and its origin. */
export interface Constant {
  readonly value: number;
  readonly unit: string;
  readonly origin: Origin;
  /** The command that measured it, the publication, the formula, or why it was assumed. */
  readonly source: string;
}

const measured = (value: number, unit: string, source: string): Constant => {
  return { value, unit, origin: 'measured', source };
};
const assumed = (value: number, unit: string, source: string): Constant => {
  return { value, unit, origin: 'assumed', source };
};
const computed = (value: number, unit: string, source: string): Constant => {
  return { value, unit, origin: 'computed', source };
};

export type CostName =
  | 'prefillTokensPerSecond'
  | 'chunkTokens'
  | 'stepSeconds'
  | 'decodeSeconds'
  | 'hopSeconds'
  | 'bytesPerToken'
  | 'storeBytesPerSecond'
  | 'loadSecondsPerByte'
  | 'eventSeconds'
  | 'heartbeatSeconds';

/** What a worker, its store and the wire between them cost. */
export const costs: Readonly<Record<CostName, Constant>> = {
  prefillTokensPerSecond: assumed(8000, 'tokens/s', 'one GPU with a model of some 10⁹ weights'),
  chunkTokens: assumed(2048, 'tokens', 'most prompt tokens of a step, as engines choose them'),
  stepSeconds: assumed(0.012, 's', 'a step without tokens: reading the weights once, and the host'),
  decodeSeconds: assumed(0.0004, 's', 'what each running answer adds to a step'),
  hopSeconds: assumed(0.0005, 's', 'a message between machines of one room'),
  bytesPerToken: computed(32_768, 'B', 'Llama 3.2 1B in f16: 2 · 16 layers · 8 heads · 64 · 2 B'),
  storeBytesPerSecond: measured(
    0.7e9,
    'B/s',
    'one core of Node with iovalkey 0.4.0, values of 64 KiB, loopback',
  ),
  loadSecondsPerByte: measured(
    0.0193 / 4_194_304,
    's/B',
    'the row kv-load of npm run bench: 19.3 ms of CPU for 4 MiB',
  ),
  eventSeconds: assumed(0.01, 's', 'how long a worker gathers events into a message'),
  heartbeatSeconds: assumed(1, 's', 'how often a worker tells its load'),
};

/** The constants' values. */
export type CostModel = Readonly<Record<CostName, number>>;

/** Returns the constants' values, some of them replaced. */
export function costModel(changed: Partial<CostModel> = {}): CostModel {
  const entries = Object.entries(costs).map(([name, { value }]) => [name, value]);
  return { ...(Object.fromEntries(entries) as Record<CostName, number>), ...changed };
}
