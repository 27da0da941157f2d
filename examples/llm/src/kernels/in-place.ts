import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  getKernel,
  isContiguous,
  type KernelSource,
  memoized,
  sections,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';

/**
 * Adds y to x in place: another tensor of its shape (a residual stream), or a row (a bias).
 * @param x f32 [T, n], dense
 * @param y f32 [T, n] or [n], dense, in another buffer
 */
export function addInto(gpu: Gpu, x: Tensor, y: Tensor): void {
  const count = checkDense('addInto', x, y);
  if (count === 0) return;
  const [to, from] = [bindTensor(x), bindTensor(y)];
  const size = y.shape.reduce((product, d) => product * d, 1);
  dispatch(gpu, {
    kernel: getKernel(gpu, addSource),
    buffers: [to.range, from.range],
    params: Uint32Array.of(count, to.elementOffset, from.elementOffset, size),
    workgroups: threadGrid(gpu, count),
  });
}

const addSource: KernelSource = {
  label: 'heed/llm/add',
  bindings: ['write', 'read', 'uniform'],
  code: `${sections(
    '// heed/llm/add',
    wgsl`
      struct Params {
        count: u32,
        x_start: u32,
        y_start: u32,
        // Elements of y, which repeats.
        y_count: u32,
      }

      @group(0) @binding(0) var<storage, read_write> x: array<f32>;
      @group(0) @binding(1) var<storage, read> y: array<f32>;
      @group(0) @binding(2) var<uniform> params: Params;
    `,
    threadMain(
      'thread',
      wgsl`
        if (thread < params.count) {
          x[params.x_start + thread] += y[params.y_start + thread % params.y_count];
        }
      `,
    ),
  )}\n`,
};

/** Checks two dense f32 tensors, of which the second repeats along the first; returns the elements of the first. */
function checkDense(fn: string, x: Tensor, y: Tensor): number {
  const rank = x.shape.length - y.shape.length;
  const fits = rank >= 0 && y.shape.every((size, axis) => size === x.shape[rank + axis]);
  const dense = [x, y].every((t) => t.dtype === 'f32' && isContiguous(t.shape, t.strides));
  if (!fits || !dense) {
    const [a, b] = [x, y].map((t) => `${t.dtype} [${t.shape.join(', ')}]`);
    throw new ValidationError(
      `${fn}: both must be dense f32 tensors of equal shapes, or the second a row of the first; got ${a} and ${b}. Reshape them.`,
    );
  }
  return x.shape.reduce((product, d) => product * d, 1);
}

/** Multiplies x, f32, dense, by a factor in place. */
export function scaleInto(gpu: Gpu, x: Tensor, factor: number): void {
  change(gpu, x, 'scale', factor);
}

/** Bounds x, f32, dense, in place: cap · tanh(x / cap). */
export function capInto(gpu: Gpu, x: Tensor, cap: number): void {
  change(gpu, x, 'cap', cap);
}

// tanh(u) by exp(−2·|u|), since tanh of a large number is NaN on some adapters.
const changes = {
  scale: ['x[at] = value * params.number;'],
  cap: [
    'let e = exp(-2.0 * abs(value / params.number));',
    'x[at] = sign(value) * params.number * (1.0 - e) / (1.0 + e);',
  ],
} as const;

type Change = keyof typeof changes;

function change(gpu: Gpu, x: Tensor, kind: Change, number: number): void {
  const count = checkDense(kind === 'scale' ? 'scaleInto' : 'capInto', x, x);
  if (count === 0) return;
  const { range, elementOffset } = bindTensor(x);
  const params = new Uint32Array([count, elementOffset, 0, 0]);
  new Float32Array(params.buffer)[2] = number;
  dispatch(gpu, {
    kernel: getKernel(gpu, changeSource(kind)),
    buffers: [range],
    params,
    workgroups: threadGrid(gpu, count),
  });
}

const changeSource: (kind: Change) => KernelSource = memoized(
  (kind) => kind,
  (kind) => {
    const label = `heed/llm/${kind}`;
    const code = sections(
      `// ${label}`,
      wgsl`
        struct Params {
          count: u32,
          start: u32,
          number: f32,
          unused: u32,
        }

        @group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @group(0) @binding(1) var<uniform> params: Params;
      `,
      threadMain(
        'thread',
        wgsl`
          if (thread < params.count) {
            let at = params.start + thread;
            let value = x[at];
            ${changes[kind]}
          }
        `,
      ),
    );
    return { label, bindings: ['write', 'uniform'], code: `${code}\n` };
  },
);

/** Returns the sources of all kernels of this file. */
export const inPlaceSources = (): KernelSource[] => [
  addSource,
  ...(Object.keys(changes) as Change[]).map(changeSource),
];
