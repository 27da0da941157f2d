import { type Gpu, type Tensor, UnsupportedError, ValidationError } from '@heed/core';
import {
  adopt,
  checkTensor,
  dispatch,
  type FloatType,
  floatTypes,
  formatShape,
  getKernel,
  type HalfType,
  isHalf,
  type KernelSource,
  memoized,
  readOptions,
  roundHalf,
  sections,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import { bindRows, workgroupsOf } from './bound-operands.ts';
import { bindRotary, checkRotary, type Rotary, rotaryNames } from './rotary.ts';
import {
  elementWgsl,
  rotaryBindings,
  rotaryStruct,
  rotaryWgsl,
  rowsStruct,
} from './row-reads.wgsl.ts';

/**
 * Rotates queries by a rotary position embedding, as `append` with `rotary` rotates keys. Computes in f32.
 * @param q [T, H, D] f32, f16 or bf16, any strides
 * @param rotary tables for the first rotaryDim ≤ D elements of a row, and the position of each token
 * @param out written and returned; default: a new tensor. It has q's shape and dtype, and does not share q's buffer. In f16 and
 *   bf16, its rows are dense and start on whole words (even strides).
 * @returns [T, H, D] of q's dtype
 * @throws ValidationError shapes or dtypes do not fit, or a position is outside the tables
 * @throws UnsupportedError rows of `out` in f16 or bf16 that share a 32-bit word
 * @example
 * const rotated = rotate(gpu, q, { cos, sin, positions: Int32Array.of(7, 8, 9) });
 */
export function rotate(gpu: Gpu, q: Tensor, rotary: Rotary, out?: Tensor): Tensor {
  checkTensor('rotate', 'q', q, { rank: 3, dtype: floatTypes, gpu });
  const [tokens, heads, dim] = q.shape as [number, number, number];
  const read = readOptions('rotate', rotary, rotaryNames, undefined, 'rotary');
  checkRotary('rotate', gpu, read, tokens, dim);
  if (out) checkOut(gpu, q, out);
  const result = out ?? emptyLike(gpu, q);
  const words = isHalf(q.dtype) ? Math.ceil(dim / 2) : dim;
  const threads = tokens * heads * words;
  if (threads === 0) return result;

  const [from, to, rotated] = [bindRows(q, words), bindRows(result, words), bindRotary(gpu, read)];
  const params = Uint32Array.of(...from.values, ...to.values, ...rotated.values, tokens, heads);
  dispatch(gpu, {
    kernel: getKernel(gpu, rotateSource(q.dtype as FloatType)),
    buffers: [from.range, to.range, ...rotated.buffers],
    params,
    workgroups: workgroupsOf(gpu, 'rotate', threads, 1),
  });
  return result;
}

// Rows take whole words on every device, so that each word has one writer.
function emptyLike(gpu: Gpu, { shape, dtype }: Tensor): Tensor {
  const dim = shape[2]!;
  const even = isHalf(dtype) ? dim + (dim % 2) : dim;
  const stored = gpu.empty(shape.with(2, even), { dtype, label: 'heed/rotated' });
  if (even === dim) return stored;
  const view = adopt(stored.slice(2, 0, dim));
  stored.dispose();
  return view;
}

function checkOut(gpu: Gpu, q: Tensor, out: Tensor): void {
  checkTensor('rotate', 'out', out, { rank: 3, dtype: [q.dtype], gpu });
  if (formatShape(out.shape) !== formatShape(q.shape) || out.buffer === q.buffer) {
    const got = out.buffer === q.buffer ? 'the buffer of q' : formatShape(out.shape);
    throw new ValidationError(
      `rotate: out must be ${formatShape(q.shape)}, like q, in another buffer than q; got ${got}. Leave it out for a new tensor.`,
    );
  }
  const { strides, byteOffset, shape } = out;
  const even = byteOffset % 4 === 0 && strides[0]! % 2 === 0 && strides[1]! % 2 === 0;
  if (out.dtype === 'f32' || (even && (strides[2] === 1 || shape[2] === 1))) return;
  throw new UnsupportedError(
    `rotate: out of ${out.dtype} needs rows that start on whole words (even strides, last stride 1); ` +
      `got strides ${formatShape(strides)}, offset ${byteOffset} bytes. Leave it out, or use f32.`,
  );
}

export const rotateSource: (type: FloatType) => KernelSource = memoized(
  (type) => `heed/rotate ${type}`,
  make,
);

function make(type: FloatType): KernelSource {
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
    elementWgsl('q', 'params.q.type_of'),
    rotaryWgsl('q'),
    isHalf(type) && roundHalf(type),
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
      ${isHalf(type) ? pair(type) : single}
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

// Rows start on whole words, so each word has one writer. The half word after an odd row may hold other data and is kept.
const pair = (type: HalfType): string => wgsl`
  let d = 2u * word;
  let at = out_row / 2u + word;
  var high = out[at] & 0xffff0000u;
  if (d + 1u < params.q.dim) {
    high = round_${type}(q_rotated(row, d + 1u, position)) << 16u;
  }
  out[at] = high | round_${type}(q_rotated(row, d, position));
`;
