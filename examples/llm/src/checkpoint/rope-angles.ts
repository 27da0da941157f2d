import type { ConfigReader } from './config-reader.ts';

/** The angles of rotary positions: position · theta^(−2i / headDim) for pair i, and how long contexts change them. */
export interface Rope {
  readonly theta: number;
  readonly scaling?: RopeScaling;
}

type RopeScaling = Linear | Llama3 | Yarn | Proportional;

/** Positions are divided by the factor. */
interface Linear {
  readonly kind: 'linear';
  readonly factor: number;
}

/** Long waves are divided by the factor, short ones are kept, and those between are blended. Source: Llama 3.1. */
interface Llama3 {
  readonly kind: 'llama3';
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalContext: number;
}

/** The same with a ramp over the index of the pair, and larger scores. Source: YaRN (arXiv 2309.00071). */
interface Yarn {
  readonly kind: 'yarn';
  readonly factor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  readonly originalContext: number;
  /** Whether the ends of the ramp are whole numbers. */
  readonly truncate: boolean;
  /** Factor of cosines and sines, hence of q and of k. */
  readonly attentionFactor: number;
}

/** The first part of the pairs is rotated by the angles of the whole head, and the others are not. Source: Gemma 4. */
interface Proportional {
  readonly kind: 'proportional';
  readonly factor: number;
  readonly part: number;
}

/**
 * Reads `rope_theta` and `rope_scaling`, or `rope_parameters`, which has both in newer files.
 * @param key where `rope_parameters` are, if not there
 */
export function readRope(reader: ConfigReader, theta: number, key = 'rope_parameters'): Rope {
  const parameters = reader.object(key);
  if (parameters) return readScaling(parameters, parameters.number('rope_theta', theta));
  const base = reader.number('rope_theta', theta);
  const scaling = reader.object('rope_scaling');
  return scaling ? readScaling(scaling, base) : { theta: base };
}

function readScaling(reader: ConfigReader, theta: number): Rope {
  const known = ['default', 'linear', 'llama3', 'yarn', 'proportional'] as const;
  const kind = reader.oneOf(reader.has('rope_type') ? 'rope_type' : 'type', known, 'default');
  const scaling = kind === 'default' ? undefined : readers[kind](reader);
  reader.ignore('type');
  if (kind !== 'proportional') reader.only('partial_rotary_factor', 1);
  reader.finish();
  return { theta, ...(scaling && { scaling }) };
}

const readers = {
  linear: (reader: ConfigReader): Linear => ({ kind: 'linear', factor: reader.number('factor') }),
  llama3: (reader: ConfigReader): Llama3 => ({
    kind: 'llama3',
    factor: reader.number('factor'),
    lowFreqFactor: reader.number('low_freq_factor'),
    highFreqFactor: reader.number('high_freq_factor'),
    originalContext: reader.whole('original_max_position_embeddings'),
  }),
  proportional: (reader: ConfigReader): Proportional => ({
    kind: 'proportional',
    factor: reader.number('factor', 1),
    part: reader.number('partial_rotary_factor', 1),
  }),
  yarn: (reader: ConfigReader): Yarn => {
    const factor = reader.number('factor');
    return {
      kind: 'yarn',
      factor,
      betaFast: reader.number('beta_fast', 32),
      betaSlow: reader.number('beta_slow', 1),
      originalContext: reader.whole('original_max_position_embeddings'),
      truncate: reader.boolean('truncate', true),
      attentionFactor: reader.number('attention_factor', 0.1 * Math.log(factor) + 1),
    };
  },
};

/** Cosines and sines by position, as heed's `append` and `rotate` take them. */
export interface RopeAngles {
  /** [context, headDim / 2], row-major. */
  readonly cos: Float32Array<ArrayBuffer>;
  readonly sin: Float32Array<ArrayBuffer>;
}

/** Returns the angles of positions 0 to context − 1, computed in float64. */
export function ropeAngles(rope: Rope, headDim: number, context: number): RopeAngles {
  const frequencies = ropeFrequencies(rope, headDim);
  const pairs = frequencies.length;
  const factor = rope.scaling?.kind === 'yarn' ? rope.scaling.attentionFactor : 1;
  const table = (fn: (angle: number) => number): Float32Array<ArrayBuffer> =>
    Float32Array.from(
      { length: context * pairs },
      (_, at) => factor * fn(Math.floor(at / pairs) * frequencies[at % pairs]!),
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** Returns the angle per position of each pair. */
function ropeFrequencies({ theta, scaling }: Rope, headDim: number): number[] {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  if (!scaling) return plain;
  if (scaling.kind === 'linear') return plain.map((frequency) => frequency / scaling.factor);
  if (scaling.kind === 'proportional') {
    const turned = Math.floor((scaling.part * headDim) / 2);
    return plain.map((frequency, i) => (i < turned ? frequency / scaling.factor : 0));
  }
  if (scaling.kind === 'llama3') return plain.map((frequency) => llama3(frequency, scaling));
  return yarn(plain, theta, headDim, scaling);
}

function llama3(frequency: number, scaling: Llama3): number {
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
  return (1 - kept) * (frequency / factor) + kept * frequency;
}

function yarn(plain: number[], theta: number, headDim: number, scaling: Yarn): number[] {
  const { factor, betaFast, betaSlow, originalContext, truncate } = scaling;
  // The pair that makes this many turns within the original context.
  const pairOf = (turns: number): number =>
    (headDim * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [pairOf(betaFast), pairOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(truncate ? Math.ceil(slow) : slow, headDim - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((frequency, i) => {
    const scaled = Math.min(1, Math.max(0, (i - low) / width));
    return scaled * (frequency / factor) + (1 - scaled) * frequency;
  });
}
