import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  dispatchGrid,
  type FloatType,
  floatTypes,
  getKernel,
  type KernelSource,
  memoized,
  sections,
  threadGrid,
  threadMain,
  uploadStorage,
  wgsl,
} from '@heed/core/kernel';
import { eachPart, fourType, loadFour, type RowParts } from './row-parts.ts';

/** Threads of a workgroup that reduces a row. */
const THREADS = 64;

/**
 * Returns rows of a table: the embeddings of tokens, or some rows of a tensor.
 * @param table [rows, columns] f32, f16 or bf16
 * @param ids T row numbers; a tensor on the device, u32 [T] or [T, k], is not checked: rows of numbers beyond the table are undefined
 * @param scale factor of all elements
 * @returns f32 [T, columns]
 * @throws ValidationError an id is not a row of the table
 */
export function embed(gpu: Gpu, table: RowParts, ids: Int32Array | Tensor, scale = 1): Tensor {
  const { rows, columns } = table;
  const outside = ids instanceof Int32Array && ids.find((id) => id < 0 || id >= rows);
  if (typeof outside === 'number') {
    throw new ValidationError(
      `embed: ids must be from 0 to ${rows - 1}; got ${outside}. Use the tokenizer of this model.`,
    );
  }
  const isHost = ids instanceof Int32Array;
  const count = isHost ? ids.length : ids.shape.reduce((product, size) => product * size, 1);
  const out = gpu.empty([count, columns], { label: 'heed/llm/embed' });
  if (count === 0) return out;
  const list = isHost ? uploadStorage(gpu, ids) : bindTensor(ids).range;
  const fours = columns / 4;
  eachPart(table, (part, first) => {
    const from = bindTensor(part, 16);
    const params = new Uint32Array([first, part.shape[0]!, count, fours, 0, 0, 0, 0]);
    params[4] = from.elementOffset / 4;
    params[5] = part.strides[0]! / 4;
    new Float32Array(params.buffer)[6] = scale;
    dispatch(gpu, {
      kernel: getKernel(gpu, embedSource(part.dtype as FloatType)),
      buffers: [from.range, list, bindTensor(out, 16).range],
      params,
      workgroups: threadGrid(gpu, count * fours),
    });
  });
  return out;
}

const embedSource: (type: FloatType) => KernelSource = memoized(
  (type) => type,
  (type) => {
    const label = `heed/llm/embed ${type}`;
    const code = sections(
      `// ${label}`,
      wgsl`
        struct Params {
          // The first row of this part, and the number of its rows.
          first: u32,
          rows: u32,
          tokens: u32,
          fours: u32,
          start: u32,
          row: u32,
          scale: f32,
          unused: u32,
        }

        @group(0) @binding(0) var<storage, read> table: array<${fourType(type)}>;
        @group(0) @binding(1) var<storage, read> ids: array<u32>;
        @group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
        @group(0) @binding(3) var<uniform> params: Params;
      `,
      loadFour('table', type),
      threadMain(
        'thread',
        wgsl`
          let token = thread / params.fours;
          if (token >= params.tokens) {
            return;
          }
          // An id before this part wraps to a large number.
          let row = ids[token] - params.first;
          if (row < params.rows) {
            let four = thread % params.fours;
            out[thread] = table_four(params.start + row * params.row + four) * params.scale;
          }
        `,
      ),
    );
    return { label, bindings: ['read', 'read', 'write', 'uniform'], code: `${code}\n` };
  },
);

/** How {@link rmsNorm} scales rows. */
export interface NormOptions {
  /** Added to the mean square. */
  readonly eps: number;
  /** Added to the weight: 1 in Gemma's checkpoints. */
  readonly offset: 0 | 1;
}

/**
 * Divides each row by its root mean square and multiplies it by offset + weight, in f32. The order of additions is fixed.
 * @param x f32 [T, columns], any stride between rows
 * @param weight f32 [columns]
 * @returns f32 [T, columns]
 */
export function rmsNorm(gpu: Gpu, x: Tensor, weight: Tensor, { eps, offset }: NormOptions): Tensor {
  const [rows, columns] = x.shape as [number, number];
  if (weight.shape[0] !== columns || x.shape.length !== 2 || x.strides[1] !== 1) {
    throw new ValidationError(
      `rmsNorm: x must be dense rows of ${weight.shape[0]} columns, as the weight has; got [${x.shape.join(', ')}]. Reshape it.`,
    );
  }
  const out = gpu.empty([rows, columns], { label: 'heed/llm/norm' });
  if (rows === 0) return out;
  const [from, by] = [bindTensor(x), bindTensor(weight)];
  const params = new Uint32Array([rows, columns, from.elementOffset, x.strides[0]!, 0, 0, 0, 0]);
  new Float32Array(params.buffer).set([eps, offset], 4);
  params[6] = by.elementOffset;
  dispatch(gpu, {
    kernel: getKernel(gpu, rmsNormSource),
    buffers: [from.range, by.range, bindTensor(out).range],
    params,
    workgroups: dispatchGrid(gpu, rows),
  });
  return out;
}

const rmsNormSource: KernelSource = {
  label: 'heed/llm/rms-norm',
  bindings: ['read', 'read', 'write', 'uniform'],
  code: `${sections(
    '// heed/llm/rms-norm',
    wgsl`
      struct Params {
        rows: u32,
        columns: u32,
        start: u32,
        row: u32,
        eps: f32,
        offset: f32,
        weight_start: u32,
        unused: u32,
      }

      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read> weight: array<f32>;
      @group(0) @binding(2) var<storage, read_write> out: array<f32>;
      @group(0) @binding(3) var<uniform> params: Params;

      var<workgroup> sums: array<f32, ${THREADS}>;

      @compute @workgroup_size(${THREADS})
      fn main(
        @builtin(workgroup_id) workgroup: vec3<u32>,
        @builtin(num_workgroups) workgroups: vec3<u32>,
        @builtin(local_invocation_index) thread: u32,
      ) {
        let row = workgroup.x + workgroup.y * workgroups.x;
        let start = params.start + row * params.row;
        // All threads of a row beyond the end take part in the barriers, over no columns.
        let columns = select(0u, params.columns, row < params.rows);
        var sum = 0.0;
        for (var column = thread; column < columns; column += ${THREADS}u) {
          sum = fma(x[start + column], x[start + column], sum);
        }
        sums[thread] = sum;
        for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
          workgroupBarrier();
          if (thread < half) {
            sums[thread] += sums[thread + half];
          }
        }
        workgroupBarrier();
        let scale = inverseSqrt(sums[0] / f32(params.columns) + params.eps);
        for (var column = thread; column < columns; column += ${THREADS}u) {
          let factor = params.offset + weight[params.weight_start + column];
          out[row * params.columns + column] = x[start + column] * scale * factor;
        }
      }
    `,
  )}\n`,
};

/** act(gate) as g · σ(e): `exponent` is e. GELU by tanh is g · (1 + tanh(u)) / 2 = g · σ(2u), which needs no tanh. */
const activations = {
  silu: 'g',
  'gelu-tanh': '1.5957691216057308 * (g + 0.044715 * g * g * g)',
  // gpt-oss: the operands are clamped, and up is moved by 1.
  'clamped-swish': '1.702 * g',
} as const;

export type Activation = keyof typeof activations;

/**
 * Returns act(gate) · up, the hidden layer of a gated MLP; for 'clamped-swish', act(min(gate, limit)) · (clamp(up, ±limit) + 1).
 * @param gate f32 [T, n], dense columns
 * @param up f32 [T, n], dense columns
 * @returns f32 [T, n]
 */
export function gatedMlp(
  gpu: Gpu,
  gate: Tensor,
  up: Tensor,
  activation: Activation,
  limit = 0,
): Tensor {
  const [rows, columns] = gate.shape as [number, number];
  const fits = [gate, up].every(
    ({ dtype, shape, strides }) =>
      dtype === 'f32' && shape[0] === rows && shape[1] === columns && strides[1] === 1,
  );
  if (!fits) {
    const [a, b] = [gate, up].map((t) => `${t.dtype} [${t.shape.join(', ')}]`);
    throw new ValidationError(
      `gatedMlp: gate and up must be f32 of one shape with dense columns; got ${a} and ${b}. Reshape them.`,
    );
  }
  const out = gpu.empty(gate.shape, { label: 'heed/llm/gated' });
  if (rows * columns === 0) return out;
  const [a, b] = [bindTensor(gate), bindTensor(up)];
  const starts = [a.elementOffset, gate.strides[0]!, b.elementOffset, up.strides[0]!];
  const params = new Uint32Array([rows, columns, ...starts, 0, 0]);
  new Float32Array(params.buffer)[6] = limit;
  dispatch(gpu, {
    kernel: getKernel(gpu, gatedSource(activation)),
    buffers: [a.range, b.range, bindTensor(out).range],
    params,
    workgroups: threadGrid(gpu, rows * columns),
  });
  return out;
}

const gatedSource: (activation: Activation) => KernelSource = memoized(
  (activation) => activation,
  (activation) => {
    const label = `heed/llm/gated ${activation}`;
    const isClamped = activation === 'clamped-swish';
    const code = sections(
      `// ${label}`,
      wgsl`
        struct Params {
          rows: u32,
          columns: u32,
          gate_start: u32,
          gate_row: u32,
          up_start: u32,
          up_row: u32,
          limit: f32,
          unused: u32,
        }

        @group(0) @binding(0) var<storage, read> gate: array<f32>;
        @group(0) @binding(1) var<storage, read> up: array<f32>;
        @group(0) @binding(2) var<storage, read_write> out: array<f32>;
        @group(0) @binding(3) var<uniform> params: Params;
      `,
      threadMain(
        'thread',
        wgsl`
          let row = thread / params.columns;
          if (row >= params.rows) {
            return;
          }
          let column = thread % params.columns;
          let gate_value = gate[params.gate_start + row * params.gate_row + column];
          let up_value = up[params.up_start + row * params.up_row + column];
          let g = ${isClamped ? 'min(gate_value, params.limit)' : 'gate_value'};
          let u = ${isClamped ? 'clamp(up_value, -params.limit, params.limit) + 1.0' : 'up_value'};
          // WGSL does not promise infinities, and beyond this exponent the quotient is 0 or g.
          let exponent = clamp(${activations[activation]}, -80.0, 80.0);
          out[thread] = g / (1.0 + exp(-exponent)) * u;
        `,
      ),
    );
    return { label, bindings: ['read', 'read', 'write', 'uniform'], code: `${code}\n` };
  },
);

/** Returns the sources of all kernels of this file. */
export const rowSources = (): KernelSource[] => [
  ...floatTypes.map(embedSource),
  ...(Object.keys(activations) as Activation[]).map(gatedSource),
  rmsNormSource,
];
