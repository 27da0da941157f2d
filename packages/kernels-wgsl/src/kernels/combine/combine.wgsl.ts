import type { KernelSource } from '@heed/core/kernel';
import { wgsl } from '@heed/core/kernel';
import type { FloatType, ReadAccess, WriteAccess } from '../../config/forward.ts';
import { type ParamField, paramsStruct } from '../../wgsl/params.ts';
import { readElement, readWgsl } from '../../wgsl/read.wgsl.ts';
import { memoized } from '../memo.ts';
import { softmaxWgsl } from '../../wgsl/softmax.wgsl.ts';
import { writeElement, writeWgsl } from '../../wgsl/write.wgsl.ts';

/** What the combine kernel's WGSL depends on. */
export interface CombineConfig {
  readonly headDimV: number;
  readonly partType: FloatType;
  readonly outType: FloatType;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
  /** `splits`: any number of parts, evenly spaced in one tensor. `pair`: two tensors. */
  readonly source: 'splits' | 'pair';
}

function combineKey({ headDimV, partType, outType, read, write, source }: CombineConfig): string {
  return `${source} dv=${headDimV} part=${partType} out=${outType} read=${read} write=${write}`;
}

const u32 = (...names: string[]): ParamField[] => names.map((name) => ({ name, type: 'u32' }));

/** Rows are [outer, head, row]: batch entries of a dense tensor, or one outer entry of a packed one. */
export const combineParams: readonly ParamField[] = u32(
  'threads', 'parts', 'heads', 'rows',
  'part_offset', 'part_step', 'part_outer', 'part_head', 'part_row', 'part_dim',
  'part_lse_offset', 'part_lse_step', 'part_lse_outer', 'part_lse_head', 'part_lse_row',
  'other_offset', 'other_outer', 'other_head', 'other_row', 'other_dim',
  'other_lse_offset', 'other_lse_outer', 'other_lse_head', 'other_lse_row',
  'out_offset', 'out_outer', 'out_head', 'out_row', 'out_dim',
  'lse_offset', 'lse_outer', 'lse_head', 'lse_row',
  'write_lse',
);

/**
 * Merges attention states (out, lse) of the same queries over disjoint keys, in order.
 * One thread per row and 4 columns.
 */
export const combineSource: (config: CombineConfig) => KernelSource = memoized(combineKey, (config) => {
  const { headDimV, partType, outType, read, write, source } = config;
  const code = wgsl`
    ${outType === 'f16' && write === 'scalar' && 'enable f16;'}
    const V_VECS = ${Math.ceil(headDimV / 4)}u;
    ${paramsStruct(combineParams)}

    @group(0) @binding(0) var<storage, read> part: array<${readElement(partType, read)}>;
    @group(0) @binding(1) var<storage, read> part_lse: array<u32>;
    @group(0) @binding(2) var<storage, read> other: array<${readElement(partType, read)}>;
    @group(0) @binding(3) var<storage, read> other_lse: array<u32>;
    @group(0) @binding(4) var<storage, read_write> out: array<${writeElement(outType, write)}>;
    @group(0) @binding(5) var<storage, read_write> lse: array<u32>;
    @group(0) @binding(6) var<uniform> params: Params;

    ${readWgsl('part', partType, read, headDimV)}

    ${source === 'pair' && `${readWgsl('other', partType, read, headDimV)}\n\n`}

    ${writeWgsl(outType, write, headDimV)}

    ${softmaxWgsl('e')}

    @compute @workgroup_size(64)
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let thread = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
      if (thread >= params.threads) {
        return;
      }
      let d = thread % V_VECS * 4u;
      let row = thread / V_VECS % params.rows;
      let head = thread / V_VECS / params.rows % params.heads;
      let outer = thread / V_VECS / params.rows / params.heads;

      var state = softmax_init();
      var acc = vec4<f32>();
      let first = params.part_offset + outer * params.part_outer + head * params.part_head + row * params.part_row;
      let first_lse = params.part_lse_offset + outer * params.part_lse_outer + head * params.part_lse_head + row * params.part_lse_row;
      for (var i = 0u; i < params.parts; i++) {
        ${merge('part', 'first + i * params.part_step', 'first_lse + i * params.part_lse_step')}
      }
      ${source === 'pair' && mergeOther}
      write_out(params.out_offset + outer * params.out_outer + head * params.out_head + row * params.out_row, d, acc * softmax_norm(state));
      if (d == 0u && params.write_lse != 0u) {
        lse[params.lse_offset + outer * params.lse_outer + head * params.lse_head + row * params.lse_row] = softmax_lse_bits(state);
      }
    }
  `;
  return {
    label: `heed/combine ${combineKey(config)}`,
    code: `${code}\n`,
    bindings: ['read', 'read', 'read', 'read', 'write', 'write', 'uniform'],
  };
});

// A part is one more key, whose score is its lse and whose value is its out. An empty part's out is not read.
const merge = (name: string, row: string, lse: string): string => wgsl`
  let score = softmax_score(${name}_lse[${lse}]);
  acc *= softmax_rescale(&state, score);
  let weight = softmax_weight(score, state.row_max);
  state.row_sum += weight;
  if (weight > 0.0) {
    acc += weight * read_${name}(${row}, d);
  }
`;

const mergeOther = wgsl`
  let other_row = params.other_offset + outer * params.other_outer + head * params.other_head + row * params.other_row;
  let other_lse_row = params.other_lse_offset + outer * params.other_lse_outer + head * params.other_lse_head + row * params.other_lse_row;
  ${merge('other', 'other_row', 'other_lse_row')}
`;
