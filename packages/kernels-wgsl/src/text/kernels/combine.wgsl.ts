import { isHalf, memoized, roundHalf, threadMain, wgsl } from '@heed/core/kernel';
import type { FloatType, ReadAccess, WriteAccess } from '../parts/kinds.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import { strideFields, u32Fields } from '../parts/params.ts';
import { each } from '../parts/repeat.ts';
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
      isHalf(outType) && roundHalf(outType),
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
        for (var first = 0u; first < params.parts; first += ${partsAtOnce[source]}u) {
          ${mergeParts(source)}
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

const partLseRow = (i: string): string => `part_lse_row + ${i} * params.part_lse_step`;

/** Parts whose loads a thread issues together: one by one, each would be waited for before the next. */
const partsAtOnce = { splits: 8, states: 8, pair: 1 } as const;

// A part counts as one key, whose score is its lse and whose value is its out. The out of an empty part is not used.
const takeIn = (score: string, value: string, times = ''): string => wgsl`
  acc *= softmax_rescale(&state, ${score});
  let weight = softmax_weight(${score}, state.row_max)${times};
  state.row_sum += weight;
  acc += select(vec4<f32>(), weight * ${value}, weight > 0.0);
`;

/**
 * Merges the parts from `first` on that are loaded together, in order; after the last part, it is loaded again and has no weight.
 * With states, no lse is rounded: a part's weight is its row sum times the weight of its row maximum.
 */
function mergeParts(source: CombineConfig['source']): string {
  const withStates = source === 'states';
  const parts = each(partsAtOnce[source]);
  const inside = (n: number, score: string): string =>
    n === 0 ? score : `select(MASKED, ${score}, first + ${n}u < params.parts)`;
  return wgsl`
    ${parts(
      (n) => wgsl`
        let part${n} = ${n === 0 ? 'first' : `min(first + ${n}u, params.parts - 1u)`};
        let lse${n} = ${partLseRow(`part${n}`)};
        let value${n} = read_part(part_row + part${n} * params.part_step, d);
        ${
          withStates
            ? [
                `let score${n} = ${inside(n, `bitcast<f32>(part_lse[lse${n} + params.part_lse_plane])`)};`,
                `let sum${n} = bitcast<f32>(part_lse[lse${n} + 2u * params.part_lse_plane]);`,
              ]
            : `let score${n} = ${inside(n, `softmax_score(part_lse[lse${n}])`)};`
        }
      `,
    )}
    ${parts(
      (n) => wgsl`
        {
          ${takeIn(`score${n}`, `value${n}`, withStates ? ` * sum${n}` : '')}
        }
      `,
    )}
  `;
}

// The largest of the parts' maxima, which are natural scores stored as bits.
const storeMax = wgsl`
  if (params.max_plane != 0u) {
    var key_max = MASKED;
    for (var i = 0u; i < params.parts; i++) {
      let bits = part_lse[${partLseRow('i')} + params.part_max_plane];
      key_max = max(key_max, select(bitcast<f32>(bits), MASKED, bits == NEGATIVE_INFINITY_BITS));
    }
    lse[at + params.max_plane] = select(NEGATIVE_INFINITY_BITS, bitcast<u32>(key_max), key_max > SEEN);
  }
`;

const mergeOther = wgsl`
  let other_row = ${rowOffset('other')};
  let other_lse_row = ${rowOffset('other_lse')};
  let other_score = softmax_score(other_lse[other_lse_row]);
  let other_value = read_other(other_row, d);
  ${takeIn('other_score', 'other_value')}
`;
