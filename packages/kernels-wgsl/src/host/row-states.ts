import type { Tensor } from '@heed/core';
import { bindTensor, placeholder, threadGrid } from '@heed/core/kernel';
import { deltaSource } from '../text/kernels/row-states.wgsl.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import { packParams } from '../text/parts/params.ts';
import { readBytes } from '../text/parts/row-access.wgsl.ts';
import type { DerivedWords } from './launch-target.ts';
import { boundLse, boundRows, named, readAccess } from './memory-layout.ts';

/** Results of the forward pass, and the gradients with respect to them. */
export interface ForwardState {
  readonly out: Tensor;
  readonly lse: Tensor;
  /** [3, …]: lse, row maximum and row sum. */
  readonly states: Tensor;
  readonly dOut: Tensor;
  readonly dLse: Tensor | undefined;
}

/** Returns the row maximum, 1 / row sum and delta of every row, as words of the side buffer. */
export function rowStates({ out, lse, states, dOut, dLse }: ForwardState): DerivedWords {
  const { outer, heads, rows, strides } = boundRows(out);
  const count = outer * heads * rows;
  const has_dlse = dLse ? 1 : 0;
  return {
    count: 3 * count,
    values: { has_dlse },
    write: (target, words, first) => {
      if (count === 0) return;
      const config = {
        type: out.dtype as FloatType,
        headDimV: out.shape.at(-1)!,
        read: readAccess([out, dOut]),
      };
      const bytes = readBytes(config.type, config.read);
      const bound = { out: bindTensor(out, bytes), dout: bindTensor(dOut, bytes) };
      const [lseBound, dLseBound] = [bindTensor(states), dLse && bindTensor(dLse)];
      const values = {
        rows: count,
        heads,
        length: rows,
        first,
        state_plane: states.strides[0]!,
        has_dlse,
        ...named('out', bound.out.elementOffset, strides),
        ...named('dout', bound.dout.elementOffset, boundRows(dOut).strides),
        ...named('lse', lseBound.elementOffset, boundLse(lse)),
        ...named('dlse', dLseBound?.elementOffset ?? 0, boundLse(dLse ?? lse)),
      };
      const source = deltaSource(config);
      target.dispatch({
        source,
        buffers: [
          bound.out.range,
          bound.dout.range,
          lseBound.range,
          dLseBound?.range ?? placeholder(target.gpu, 'read'),
          bindTensor(words).range,
        ],
        params: packParams(source.fields, values),
        workgroups: threadGrid(target.gpu, count),
      });
    },
  };
}
