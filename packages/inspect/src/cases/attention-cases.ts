import type { AttentionProblem } from '@heed/kernels-wgsl';
import type { KernelCase } from './kernel-case.ts';

type Dtype = 'f32' | 'f16' | 'bf16';

const QUERY_HEADS = 32;
const KV_HEADS = 8;
const TOKENS = 2048;

const prefill = (dtype: Dtype, headDim: number, headDimV = headDim): AttentionProblem => ({
  layout: 'dense',
  dtype,
  causal: true,
  q: [1, QUERY_HEADS, TOKENS, headDim],
  k: [1, KV_HEADS, TOKENS, headDim],
  v: [1, KV_HEADS, TOKENS, headDimV],
});

const training = (dtype: Dtype, headDim: number, headDimV = headDim): AttentionProblem => ({
  ...prefill(dtype, headDim, headDimV),
  backward: true,
});

const packed = (dtype: Dtype, headDim: number): AttentionProblem => ({
  layout: 'varlen',
  dtype,
  causal: true,
  q: [TOKENS, QUERY_HEADS, headDim],
  k: [TOKENS, KV_HEADS, headDim],
  sequences: 4,
});

const everyOption = { window: true, softcap: true, alibiSlopes: true, sinks: true };

/** A scale and a softcap that have gradients. */
const learned = { scale: 'tensor', softcap: 'tensor' } as const;

const PAST = 65_536;
const PAGE = 16;

const decode = (dtype: Dtype, headDim: number, heads = QUERY_HEADS): AttentionProblem => ({
  layout: 'dense',
  dtype,
  q: [1, heads, 1, headDim],
  k: [1, KV_HEADS, PAST, headDim],
});

/** Keys that a list names per row, of all heads. */
const SELECTED = 2048;

const selected = (problem: AttentionProblem): AttentionProblem => ({
  ...problem,
  selectedKeys:
    problem.q.length === 4 ? [1, 1, problem.q[2]!, SELECTED] : [problem.q[0]!, 1, SELECTED],
});

/** Multi-head latent attention (MLA) with absorbed projections: all heads share the keys, whose first columns are the values. */
const latent = {
  headDim: 576,
  headDimV: 512,
  heads: 128,
} as const;

const latentDecode = (dtype: Dtype, heads: number = latent.heads): AttentionProblem => ({
  layout: 'dense',
  dtype,
  q: [1, heads, 1, latent.headDim],
  k: [1, 1, PAST, latent.headDim],
  v: [1, 1, PAST, latent.headDimV],
});

const pagedDecode = (
  headDim: number,
  format?: 'int8' | 'int4',
  { headDimV = headDim, heads = QUERY_HEADS, kvHeads = KV_HEADS } = {},
): AttentionProblem => {
  const rows = [PAST / PAGE, PAGE, kvHeads];
  const elements = (dim: number): number =>
    format === undefined ? dim : { int8: dim / 4 + 1, int4: dim / 8 + 1 }[format];
  return {
    layout: 'paged',
    dtype: 'f16',
    q: [1, heads, headDim],
    k: [...rows, elements(headDim)],
    v: [...rows, elements(headDimV)],
    ...(format && { format, headDim, headDimV }),
    sequences: 1,
  };
};

const latentPages = (format?: 'int8' | 'int4'): AttentionProblem =>
  pagedDecode(latent.headDim, format, { ...latent, kvHeads: 1 });

/** The calls that heed's users make. */
const calls: readonly KernelCase[] = [
  { name: 'forward f32 D64', problem: prefill('f32', 64) },
  { name: 'forward f32 D128', problem: prefill('f32', 128) },
  { name: 'forward f16 D64', problem: prefill('f16', 64) },
  { name: 'forward f16 D128', problem: prefill('f16', 128) },
  { name: 'forward bf16 D128', problem: prefill('bf16', 128) },
  { name: 'forward f16 D256', problem: prefill('f16', 256) },
  { name: 'forward f32 D512', problem: prefill('f32', 512) },
  { name: 'forward f16 D512', problem: prefill('f16', 512) },
  { name: 'forward f16 D576/512', problem: prefill('f16', 576, 512) },
  { name: 'varlen f16 D128', problem: packed('f16', 128) },
  { name: 'options f16 D128', problem: { ...prefill('f16', 128), ...everyOption } },
  { name: 'bias f16 D64', problem: prefill('f16', 64), hasBias: true },
  { name: 'bias f16 D128', problem: prefill('f16', 128), hasBias: true },
  { name: 'decode f32 D128', problem: decode('f32', 128) },
  { name: 'decode f16 D64', problem: decode('f16', 64) },
  { name: 'decode f16 D128', problem: decode('f16', 128) },
  { name: 'decode bf16 D128', problem: decode('bf16', 128) },
  { name: 'decode f16 D128 64/8 heads', problem: decode('f16', 128, 64) },
  { name: 'decode f16 D256', problem: decode('f16', 256) },
  { name: 'decode paged f16 D128', problem: pagedDecode(128) },
  { name: 'decode paged int8 D128', problem: pagedDecode(128, 'int8') },
  { name: 'decode paged int4 D128', problem: pagedDecode(128, 'int4') },
  { name: 'decode f16 D512', problem: decode('f16', 512) },
  { name: 'decode f32 D576/512', problem: latentDecode('f32') },
  { name: 'decode f16 D576/512', problem: latentDecode('f16') },
  { name: 'decode f16 D576/512 16/1 heads', problem: latentDecode('f16', 16) },
  {
    name: 'decode f16 D576/512 16/1 heads, K = V',
    problem: { ...latentDecode('f16', 16), sharedKv: true },
  },
  { name: 'decode paged f16 D512', problem: pagedDecode(512) },
  { name: 'decode paged f16 D576/512', problem: latentPages() },
  { name: 'decode paged int8 D576/512', problem: latentPages('int8') },
  { name: 'decode paged int4 D576/512', problem: latentPages('int4') },
  { name: 'selected decode f16 D128', problem: selected(decode('f16', 128)) },
  { name: 'selected decode paged int8 D128', problem: selected(pagedDecode(128, 'int8')) },
  { name: 'selected decode f16 D576/512', problem: selected(latentDecode('f16')) },
  { name: 'selected forward f32 D128', problem: selected(prefill('f32', 128)) },
  { name: 'selected backward f32 D128', problem: selected(training('f32', 128)) },
  { name: 'selected backward f16 D576/512', problem: selected(training('f16', 576, 512)) },
  { name: 'backward f32 D64', problem: training('f32', 64) },
  { name: 'backward f32 D128', problem: training('f32', 128) },
  { name: 'backward f16 D64', problem: training('f16', 64) },
  { name: 'backward f16 D128', problem: training('f16', 128) },
  { name: 'backward bf16 D128', problem: training('bf16', 128) },
  { name: 'backward f16 D256', problem: training('f16', 256) },
  { name: 'backward f16 D512', problem: training('f16', 512) },
  { name: 'backward f16 D576/512', problem: training('f16', 576, 512) },
  { name: 'selected backward f16 D128', problem: selected(training('f16', 128)) },
  { name: 'selected backward f16 D576/512', problem: selected(training('f16', 576, 512)) },
  { name: 'backward bias f16 D64', problem: training('f16', 64), hasBias: true },
  { name: 'forward dropout f32 D128', problem: { ...prefill('f32', 128), dropout: true } },
  { name: 'backward dropout f32 D128', problem: { ...training('f32', 128), dropout: true } },
  { name: 'backward dropout f16 D128', problem: { ...training('f16', 128), dropout: true } },
  { name: 'decode dropout f16 D128', problem: { ...decode('f16', 128), dropout: true } },
  { name: 'backward learned f32 D128', problem: { ...training('f32', 128), ...learned } },
  { name: 'backward learned f16 D128', problem: { ...training('f16', 128), ...learned } },
];

/** Returns the calls whose name matches, on a tile path that heed need not choose for them. */
const forced = (path: string, names: RegExp): KernelCase[] =>
  calls
    .filter(({ name }) => names.test(name))
    .map((one) => ({ ...one, name: `${path} ${one.name}`, path }));

const integerPages = /^decode paged int[48] (D128|D576\/512)$/;

/** Every case: the calls with the tiles that heed chooses, and those on a path by force. A new path is one more line. */
export const attentionCases: readonly KernelCase[] = [
  ...calls,
  ...forced('portable', /^(forward|varlen|bias|decode|backward) .*(D64|D128|D256)$/),
  ...forced('matrix', /^(forward|varlen|options|bias|backward) f16 (D64|D128|D256)$/),
  ...forced('integers', integerPages),
];

/** The cases for NVIDIA, where heed chooses matrices for f16 by itself, forward and backward. */
export const nvidiaCases: readonly KernelCase[] = [
  ...calls,
  ...forced('portable', /^(forward|decode|backward) f16 (D64|D128|D256)$/),
  ...forced('integers', integerPages),
];
