import { memoized, roundF16, threadMain, wgsl } from '@heed/core/kernel';
import type { FloatType, ReadAccess, WriteAccess } from '../parts/kinds.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import { strideFields, u32Fields } from '../parts/params.ts';
import { readElement, readPart, writeElement, writePart } from '../parts/row-access.wgsl.ts';
import { softmaxWgsl, storeStatePart } from '../parts/softmax.wgsl.ts';
import { enables } from '../tiles/tile-paths.ts';

/** Everything that the combine kernel's WGSL depends on. */
export interface CombineConfig {
  readonly headDimV: number;
  readonly partType: FloatType;
  readonly outType: FloatType;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
  /**
   * `splits`: any number of parts, evenly spaced in one tensor. `states`: the same, with row maxima and sums, which the
   * result keeps too. `pair`: two tensors.
   */
  readonly source: 'splits' | 'states' | 'pair';
}

/** Returns a canonical name: two configs have the same key iff they are equal. */
export function combineKey(c: CombineConfig): string {
  return `${c.source} dv=${c.headDimV} part=${c.partType} out=${c.outType} read=${c.read} write=${c.write}`;
}

/**
 * Merges attention states (out, lse) of the same queries over disjoint keys, in order.
 * One thread per row and 4 columns.
 */
export const combineSource: (config: CombineConfig) => ComposedKernel = memoized(combineKey, make);

function make(config: CombineConfig): ComposedKernel {
  const { headDimV, partType, outType, read, write, source } = config;
  return composeKernel({
    label: `heed/combine ${combineKey(config)}`,
    head: [enables(undefined, outType, write), `// combine ${combineKey(config)}`],
    bindings: [
      { name: 'part', kind: 'read', element: readElement(partType, read) },
      { name: 'part_lse', kind: 'read', element: 'u32' },
      { name: 'other', kind: 'read', element: readElement(partType, read) },
      { name: 'other_lse', kind: 'read', element: 'u32' },
      { name: 'out', kind: 'write', element: writeElement(outType, write) },
      { name: 'lse', kind: 'write', element: 'u32' },
    ],
    parts: [
      readPart('part', partType, read, headDimV),
      source === 'pair' && readPart('other', partType, read, headDimV),
      outType === 'f16' && roundF16,
      writePart(outType, write, headDimV),
      // Row maxima are base-2 scores; an lse is a natural logarithm.
      softmaxWgsl(source === 'states' ? 'two' : 'e'),
      storeStatePart,
      { fields: source === 'pair' ? fields : [...fields, ...maxFields], text: mainWgsl(config) },
    ],
  });
}

// Rows are indexed [outer, head, row]: outer is the batch of a dense tensor, or 1 for a packed one.
const fields = [
  ...u32Fields('threads', 'parts', 'heads', 'rows', 'write_lse', 'part_lse_plane'),
  ...['part', 'part_lse'].flatMap((name) =>
    strideFields(name, 'offset', 'step', 'outer', 'head', 'row'),
  ),
  ...['other', 'other_lse', 'out', 'lse'].flatMap((name) =>
    strideFields(name, 'offset', 'outer', 'head', 'row'),
  ),
];

const maxFields = u32Fields('part_max_plane', 'max_plane');

function mainWgsl({ headDimV, source }: CombineConfig): string {
  return wgsl`
    const V_VECS = ${Math.ceil(headDimV / 4)}u;

    ${threadMain(
      'thread',
      wgsl`
        if (thread >= params.threads) {
          return;
        }
        let d = thread % V_VECS * 4u;
        let row = thread / V_VECS % params.rows;
        let head = thread / V_VECS / params.rows % params.heads;
        let outer = thread / V_VECS / params.rows / params.heads;

        var state = softmax_init();
        var acc = vec4<f32>();
        let part_row = ${rowOffset('part')};
        let part_lse_row = ${rowOffset('part_lse')};
        for (var i = 0u; i < params.parts; i++) {
          ${source === 'states' ? mergeState : merge('part', partRow, partLseRow)}
        }
        ${source === 'pair' && mergeOther}

        write_out(${rowOffset('out')}, d, acc * softmax_norm(state));
        if (d == 0u && params.write_lse != 0u) {
          let at = ${rowOffset('lse')};
          store_state(state, at);
          ${source !== 'pair' && storeMax}
        }
      `,
    )}
  `;
}

const rowOffset = (x: string): string =>
  `params.${x}_offset + outer * params.${x}_outer + head * params.${x}_head + row * params.${x}_row`;

const partRow = 'part_row + i * params.part_step';
const partLseRow = 'part_lse_row + i * params.part_lse_step';

const takeIn = (name: string, row: string, times = ''): string => wgsl`
  acc *= softmax_rescale(&state, score);
  let weight = softmax_weight(score, state.row_max)${times};
  state.row_sum += weight;
  if (weight > 0.0) {
    acc += weight * read_${name}(${row}, d);
  }
`;

// A part counts as one key, whose score is its lse and whose value is its out. The out of an empty part is not read.
const merge = (name: string, row: string, lse: string): string => wgsl`
  let score = softmax_score(${name}_lse[${lse}]);
  ${takeIn(name, row)}
`;

// The largest of the parts' maxima, which are natural scores stored as bits.
const storeMax = wgsl`
  if (params.max_plane != 0u) {
    var key_max = MASKED;
    for (var i = 0u; i < params.parts; i++) {
      let bits = part_lse[${partLseRow} + params.part_max_plane];
      key_max = max(key_max, select(bitcast<f32>(bits), MASKED, bits == NEGATIVE_INFINITY_BITS));
    }
    lse[at + params.max_plane] = select(NEGATIVE_INFINITY_BITS, bitcast<u32>(key_max), key_max > SEEN);
  }
`;

// The same merge without rounding lse: a part's weight is its row sum times the weight of its row maximum.
const mergeState = wgsl`
  let state_at = ${partLseRow};
  let score = bitcast<f32>(part_lse[state_at + params.part_lse_plane]);
  ${takeIn('part', partRow, ' * bitcast<f32>(part_lse[state_at + 2u * params.part_lse_plane])')}
`;

const mergeOther = wgsl`
  let other_row = ${rowOffset('other')};
  let other_lse_row = ${rowOffset('other_lse')};
  ${merge('other', 'other_row', 'other_lse_row')}
`;
