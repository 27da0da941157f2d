import {
  type KernelSource,
  memoized,
  roundF16,
  sections,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import { elementWgsl } from '../parts/element.wgsl.ts';
import { rotaryBindings, rotaryStruct, rotaryWgsl } from '../parts/rotary.wgsl.ts';
import { rowsStruct } from '../parts/rows.wgsl.ts';

export const rotateSource: (type: 'f32' | 'f16') => KernelSource = memoized(
  (type) => `heed/rotate ${type}`,
  make,
);

function make(type: 'f32' | 'f16'): KernelSource {
  const label = `heed/rotate ${type}`;
  const code = sections(
    `// ${label}`,
    rowsStruct,
    rotaryStruct,
    wgsl`
      struct Params {
        q: Rows,
        out: Rows,
        rotary: Rotary,
        tokens: u32,
        heads: u32,
      }

      @group(0) @binding(0) var<storage, read> q: array<u32>;
      @group(0) @binding(1) var<storage, read_write> out: array<u32>;
      ${rotaryBindings(2)}
      @group(0) @binding(5) var<uniform> params: Params;
    `,
    elementWgsl('q', 'params.q.is_half'),
    rotaryWgsl('q'),
    type === 'f16' && roundF16,
    threadMain(
      'thread',
      wgsl`
      let word = thread % params.out.words;
      let head = thread / params.out.words % params.heads;
      let token = thread / params.out.words / params.heads;
      if (token >= params.tokens) {
        return;
      }
      let position = position_of(token);
      let row = params.q.start + token * params.q.token + head * params.q.head;
      let out_row = params.out.start + token * params.out.token + head * params.out.head;
      ${type === 'f32' ? single : pair}
    `,
    ),
  );
  return {
    label,
    bindings: ['read', 'write', 'read', 'read', 'read', 'uniform'],
    code: `${code}\n`,
  };
}

const single =
  'out[out_row + word * params.out.element] = bitcast<u32>(q_rotated(row, word, position));';

// Rows start on whole words, so every word has one writer; a half after an odd row belongs to somebody else and is kept.
const pair = wgsl`
  let d = 2u * word;
  let at = out_row / 2u + word;
  var high = out[at] & 0xffff0000u;
  if (d + 1u < params.q.dim) {
    high = round_f16(q_rotated(row, d + 1u, position)) << 16u;
  }
  out[at] = high | round_f16(q_rotated(row, d, position));
`;
