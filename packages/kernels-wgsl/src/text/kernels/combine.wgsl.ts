import {
  type KernelSource,
  memoized,
  roundF16,
  sections,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import type { FloatType, ReadAccess, WriteAccess } from '../parts/kinds.ts';
import { type ParamField, paramsStruct, u32Fields } from '../parts/params.ts';
import { readElement, readWgsl, writeElement, writeWgsl } from '../parts/row-access.wgsl.ts';
import { softmaxWgsl, storeStateWgsl } from '../parts/softmax.wgsl.ts';
import { enables } from '../tiles/tile.ts';

/** What the combine kernel's WGSL depends on. */
export interface CombineConfig {
  readonly headDimV: number;
  readonly partType: FloatType;
  readonly outType: FloatType;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
  /**
   * `splits`: any number of parts, evenly spaced in one tensor. `states`: the same, with their row maxima and sums, of which
   * the result keeps its own. `pair`: two tensors.
   */
  readonly source: 'splits' | 'states' | 'pair';
}

/** A canonical name: equal configs, and only those, have equal keys. */
export function combineKey(c: CombineConfig): string {
  return `${c.source} dv=${c.headDimV} part=${c.partType} out=${c.outType} read=${c.read} write=${c.write}`;
}

/** Rows are [outer, head, row]: batch entries of a dense tensor, or one outer entry of a packed one. */
export const combineParams: readonly ParamField[] = [
  ...u32Fields('threads', 'parts', 'heads', 'rows'),
  ...u32Fields('part_offset', 'part_step', 'part_outer', 'part_head', 'part_row', 'part_dim'),
  ...u32Fields('part_lse_offset', 'part_lse_step', 'part_lse_outer'),
  ...u32Fields('part_lse_head', 'part_lse_row', 'part_lse_plane'),
  ...u32Fields('other_offset', 'other_outer', 'other_head', 'other_row', 'other_dim'),
  ...u32Fields('other_lse_offset', 'other_lse_outer', 'other_lse_head', 'other_lse_row'),
  ...u32Fields('out_offset', 'out_outer', 'out_head', 'out_row', 'out_dim'),
  ...u32Fields('lse_offset', 'lse_outer', 'lse_head', 'lse_row', 'write_lse', 'state_plane'),
];

/**
 * Merges attention states (out, lse) of the same queries over disjoint keys, in order.
 * One thread per row and 4 columns.
 */
export const combineSource: (config: CombineConfig) => KernelSource = memoized(combineKey, make);

function make(config: CombineConfig): KernelSource {
  const { headDimV, partType, outType, read, write, source } = config;
  const code = sections(
    enables(undefined, outType, write),
    `// combine ${combineKey(config)}`,
    paramsStruct(combineParams),
    bindings(config),
    readWgsl('part', partType, read, headDimV),
    source === 'pair' && readWgsl('other', partType, read, headDimV),
    outType === 'f16' && roundF16,
    writeWgsl(outType, write, headDimV),
    // Row maxima are base-2 scores as they are, and an lse is natural.
    softmaxWgsl(source === 'states' ? 'two' : 'e'),
    storeStateWgsl,
    mainWgsl(config),
  );
  return {
    label: `heed/combine ${combineKey(config)}`,
    code: `${code}\n`,
    bindings: ['read', 'read', 'read', 'read', 'write', 'write', 'uniform'],
  };
}

function bindings({ partType, outType, read, write }: CombineConfig): string {
  return wgsl`
    @group(0) @binding(0) var<storage, read> part: array<${readElement(partType, read)}>;
    @group(0) @binding(1) var<storage, read> part_lse: array<u32>;
    @group(0) @binding(2) var<storage, read> other: array<${readElement(partType, read)}>;
    @group(0) @binding(3) var<storage, read> other_lse: array<u32>;
    @group(0) @binding(4) var<storage, read_write> out: array<${writeElement(outType, write)}>;
    @group(0) @binding(5) var<storage, read_write> lse: array<u32>;
    @group(0) @binding(6) var<uniform> params: Params;
  `;
}

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
          store_state(state, ${rowOffset('lse')});
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

// A part is one more key, whose score is its lse and whose value is its out. An empty part's out is not read.
const merge = (name: string, row: string, lse: string): string => wgsl`
  let score = softmax_score(${name}_lse[${lse}]);
  ${takeIn(name, row)}
`;

// The same without rounding its lse: a part weighs its sum, times the weight of its maximum.
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
