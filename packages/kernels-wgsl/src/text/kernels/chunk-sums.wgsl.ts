import { isHalf, memoized, roundHalf, threadMain, wgsl } from '@heed/core/kernel';
import {
  type AnyPart,
  type ComposedKernel,
  composeKernel,
  type KernelPart,
} from '../parts/kernel-parts.ts';
import type { FloatType, WriteAccess } from '../parts/kinds.ts';
import { strideFields, u32Fields } from '../parts/params.ts';
import { writeElement, writePart } from '../parts/row-access.wgsl.ts';
import { enables } from '../tiles/tile-paths.ts';

/** Everything that the sum's WGSL depends on. */
export interface ChunkSumConfig {
  readonly headDim: number;
  readonly headDimV: number;
  readonly resultType: FloatType;
  readonly write: WriteAccess;
}

/** Pairs of a chunk. The last one of a key has up to twice as many, so that no two chunks begin at the same multiple of it. */
export const CHUNK_PAIRS = 128;
/** Vectors of dk and dv that a workgroup sums: one per thread. */
export const SLICE_VECTORS = 64;

/** Returns the vectors of a row of dk and of one of dv. */
export const rowVectors = ({
  headDim,
  headDimV,
}: Pick<ChunkSumConfig, 'headDim' | 'headDimV'>): readonly [k: number, v: number] => [
  Math.ceil(headDim / 4),
  Math.ceil(headDimV / 4),
];

/** Declares `chunks_of(pairs)`, the number of chunks of a key. */
export const chunkWgsl: string = wgsl`
  const CHUNK_PAIRS = ${CHUNK_PAIRS}u;

  fn chunks_of(pairs: u32) -> u32 {
    return max(pairs / CHUNK_PAIRS, 1u);
  }
`;

/** Declares where the gradients of a slot are: the rows of k, of all batch entries or pages. */
const resultPart = (name: string): KernelPart => ({
  fields: [...strideFields(name, 'offset', 'batch', 'head', 'row'), ...u32Fields('slot_rows')],
  text: wgsl`
    fn ${name}_slot_offset(head: u32, slot: u32) -> u32 {
      return params.${name}_offset + slot / params.slot_rows * params.${name}_batch + head * params.${name}_head + slot % params.slot_rows * params.${name}_row;
    }
  `,
});

/**
 * Declares `write_column(head, slot, column, sum)`, which writes a vector of dk, or of dv behind it.
 * @param factors what the sums are multiplied by
 */
export const resultParts = (
  { headDim, headDimV, resultType, write }: ChunkSumConfig,
  factors: readonly [dk: string, dv: string],
): readonly AnyPart[] => {
  const [kVectors, vVectors] = rowVectors({ headDim, headDimV });
  return [
    resultPart('dk'),
    resultPart('dv'),
    isHalf(resultType) && roundHalf(resultType),
    writePart(resultType, write, headDim, 'dk', 'dk'),
    writePart(resultType, write, headDimV, 'dv', 'dv'),
    {
      fields: [
        { name: 'scale', type: 'f32' },
        { name: 'keep_scale', type: 'f32' },
      ],
      text: wgsl`
        const K_VECTORS = ${kVectors}u;
        const ROW_VECTORS = ${kVectors + vVectors}u;

        // Vector \`column\` of a row of dk, or of dv behind it.
        fn write_column(head: u32, slot: u32, column: u32, sum: vec4<f32>) {
          if (column < K_VECTORS) {
            write_dk(dk_slot_offset(head, slot), column * 4u, sum${factors[0]});
          } else if (column < ROW_VECTORS) {
            write_dv(dv_slot_offset(head, slot), (column - K_VECTORS) * 4u, sum${factors[1]});
          }
        }
      `,
    },
  ];
};

const sumKey = (c: ChunkSumConfig): string =>
  `d=${c.headDim} dv=${c.headDimV} result=${c.resultType} write=${c.write}`;

/** Adds the chunks of each key that has several, in their order. A thread per key and vector of the slice. */
export const chunkSumSource: (config: ChunkSumConfig) => ComposedKernel = memoized(
  sumKey,
  (config) =>
    composeKernel({
      label: `heed/sum of chunks ${sumKey(config)}`,
      head: [enables(undefined, config.resultType, config.write), `// ${sumKey(config)}`],
      bindings: [
        { name: 'inverted', kind: 'read', element: 'u32' },
        { name: 'part', kind: 'read', element: 'vec4<f32>' },
        { name: 'out', kind: 'write', element: writeElement(config.resultType, config.write) },
      ],
      parts: [
        chunkWgsl,
        ...resultParts(config, [' * params.scale', ' * params.keep_scale']),
        {
          fields: u32Fields('slots', 'slot_end', 'first_head', 'first_column'),
          text: threadMain(
            'thread',
            wgsl`
              let place = thread / ${SLICE_VECTORS}u;
              if (place >= params.slot_end) {
                return;
              }
              let begin = inverted[place];
              let chunks = chunks_of(inverted[place + 1u] - begin);
              if (chunks == 1u) {
                return;
              }
              var sum = vec4<f32>();
              for (var chunk = 0u; chunk < chunks; chunk++) {
                sum += part[(begin / CHUNK_PAIRS + chunk) * ${SLICE_VECTORS}u + thread % ${SLICE_VECTORS}u];
              }
              let head = params.first_head + place / params.slots;
              write_column(head, place % params.slots, params.first_column + thread % ${SLICE_VECTORS}u, sum);
            `,
          ),
        },
      ],
    }),
);
