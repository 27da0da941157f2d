/** A request of a trace. */
export interface TraceRequest {
  /** Seconds after the start of the trace. */
  readonly at: number;
  /** Names of the prompt's blocks of tokens, in order: equal numbers are equal prefixes. The last block may be part filled. */
  readonly blocks: readonly number[];
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Trace {
  readonly name: string;
  /** Tokens of a block. */
  readonly blockTokens: number;
  /** In the order of arrival. */
  readonly requests: readonly TraceRequest[];
}

/** Tokens of a block in Mooncake's traces. */
const MOONCAKE_BLOCK = 512;

/**
 * Reads a trace as Mooncake publishes it: a JSON object a line with `timestamp` in milliseconds, `input_length`, `output_length` and
 * `hash_ids` of blocks of 512 tokens.
 *
 * Source: github.com/kvcache-ai/Mooncake, FAST25-release/traces (Apache-2.0).
 *
 * @throws Error for a line that is none, with its number
 */
export function parseMooncake(name: string, text: string): Trace {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const requests = lines.map((line, i) => {
    try {
      return requestOf(JSON.parse(line) as Record<string, unknown>);
    } catch (cause) {
      throw new Error(`${name}, line ${i + 1}: ${(cause as Error).message}`, { cause });
    }
  });
  return {
    name,
    blockTokens: MOONCAKE_BLOCK,
    requests: requests.toSorted((a, b) => a.at - b.at),
  };
}

function requestOf(found: Record<string, unknown>): TraceRequest {
  const { timestamp, input_length: input, output_length: output, hash_ids: ids } = found;
  for (const [field, value] of Object.entries({ timestamp, input, output })) {
    if (!isCount(value)) throw new Error(`${field} must be a whole number; got ${String(value)}`);
  }
  if (!Array.isArray(ids) || !ids.every(isCount)) {
    throw new Error('hash_ids must be a list of whole numbers');
  }
  const blocks = Math.ceil((input as number) / MOONCAKE_BLOCK);
  if (ids.length !== blocks) {
    throw new Error(`an input of ${String(input)} tokens has ${blocks} blocks; got ${ids.length}`);
  }
  return {
    at: (timestamp as number) / 1000,
    blocks: ids,
    inputTokens: input as number,
    outputTokens: output as number,
  };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Returns the same requests, arriving `factor` times as fast. */
export function faster(trace: Trace, factor: number): Trace {
  const requests = trace.requests.map((request) => ({ ...request, at: request.at / factor }));
  return { ...trace, name: `${trace.name} at ${factor}× the rate`, requests };
}
