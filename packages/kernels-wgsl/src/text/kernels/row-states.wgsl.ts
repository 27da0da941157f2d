import { memoized, threadMain, wgsl } from '@heed/core/kernel';
import type { FloatType, ReadAccess } from '../parts/kinds.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import { strideFields, u32Fields } from '../parts/params.ts';
import { readElement, readPart } from '../parts/row-access.wgsl.ts';
import { infinityBits } from '../parts/softmax.wgsl.ts';

export interface DeltaConfig {
  /** Dtype of out and dOut. */
  readonly type: FloatType;
  readonly headDimV: number;
  readonly read: ReadAccess;
}

const deltaKey = ({ type, headDimV, read }: DeltaConfig): string =>
  `${type} dv=${headDimV} read=${read}`;

/**
 * Computes the row states that backward needs, one plane of words each: row maximum, 1 / row sum, and delta =
 * rowsum(dOut∘out) − dLse.
 */
export const deltaSource: (config: DeltaConfig) => ComposedKernel = memoized(deltaKey, (config) => {
  const { type, read, headDimV } = config;
  return composeKernel({
    label: `heed/delta ${deltaKey(config)}`,
    head: [infinityBits],
    bindings: [
      { name: 'out', kind: 'read', element: readElement(type, read) },
      { name: 'dout', kind: 'read', element: readElement(type, read) },
      { name: 'lse', kind: 'read', element: 'u32' },
      { name: 'dlse', kind: 'read', element: 'f32' },
      { name: 'side', kind: 'write', element: 'u32' },
    ],
    parts: [
      readPart('out', type, read, headDimV),
      readPart('dout', type, read, headDimV),
      { fields, text: main(config) },
    ],
  });
});

// Rows are indexed [outer, head, row]: outer is the batch of dense tensors, or 1 for packed ones.
const fields = [
  ...u32Fields('rows', 'heads', 'length', 'first', 'state_plane', 'has_dlse'),
  ...['out', 'dout', 'lse', 'dlse'].flatMap((name) =>
    strideFields(name, 'offset', 'outer', 'head', 'row'),
  ),
];

const at = (name: string): string =>
  `params.${name}_offset + outer * params.${name}_outer + head * params.${name}_head + row * params.${name}_row`;

const main = ({ headDimV }: DeltaConfig): string =>
  threadMain(
    'index',
    wgsl`
      if (index >= params.rows) {
        return;
      }
      let row = index % params.length;
      let head = index / params.length % params.heads;
      let outer = index / (params.length * params.heads);
      let out_row = ${at('out')};
      let dout_row = ${at('dout')};
      var delta = 0.0;
      for (var d = 0u; d < ${headDimV}u; d += 4u) {
        delta += dot(read_out(out_row, d), read_dout(dout_row, d));
      }
      if (params.has_dlse != 0u) {
        delta -= dlse[${at('dlse')}];
      }
      let lse_at = ${at('lse')};
      let is_empty = lse[lse_at] == NEGATIVE_INFINITY_BITS;
      let row_sum = bitcast<f32>(lse[lse_at + 2u * params.state_plane]);
      let first = params.first + index;
      side[first] = lse[lse_at + params.state_plane];
      side[first + params.rows] = select(bitcast<u32>(1.0 / row_sum), 0u, is_empty);
      side[first + 2u * params.rows] = bitcast<u32>(delta);
    `,
  );
