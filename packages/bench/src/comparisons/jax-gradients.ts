import { type NdArray, referenceGradients } from '@heed/conformance/reference';
import { attentionVjp } from '@heed/kernels-wgsl';
import type { Contestant, Distance } from '../measure/bench-results.ts';
import { packageVersion } from '../measure/gpu-host.ts';
import { swapMiddle } from '../measure/row-layouts.ts';
import { maxErrorOf } from '../measure/verdict.ts';
import { type JaxArray, jaxGradient, loadJax } from '../peers/jax-js.ts';
import { type DenseInputs, distance } from './dense-contestants.ts';

/** dv [1, H, L, D], the gradient of every contestant that is read back and judged. */
type Judge = (dv: Float32Array) => Distance;

/**
 * Times causal attention and its gradients with respect to q, k and v, with dOut = q, beside jax-js, whose function under `jit`
 * stores all scores and weights. dv is read.
 */
export function gradientBesideJax(makeInputs: () => DenseInputs): Contestant[] {
  const judge = judgeOf(makeInputs);
  return [heed(makeInputs, judge), jaxJs(makeInputs, judge)];
}

function heed(makeInputs: () => DenseInputs, judge: Judge): Contestant {
  return {
    name: 'heed',
    how: 'attentionVjp(q, k, v, { causal: true }).backward(dOut)',
    async prepare(gpu) {
      const { shape, q, k, v } = makeInputs();
      const upload = ({ data }: NdArray) => gpu.tensor(data, { shape: [...shape] });
      const qkv = [upload(q), upload(k), upload(v)] as const;
      let latest = new Float32Array();
      return {
        run: async () => {
          const { out, lse, backward } = attentionVjp(...qkv, { causal: true });
          const { dq, dk, dv } = backward(qkv[0]);
          latest = (await dv.read()) as Float32Array<ArrayBuffer>;
          for (const tensor of [out, lse, dq, dk, dv]) tensor.dispose();
        },
        check: () => judge(latest),
        dispose: () => qkv.forEach((tensor) => tensor.dispose()),
      };
    },
  };
}

function jaxJs(makeInputs: () => DenseInputs, judge: Judge): Contestant {
  return {
    name: `jax-js ${packageVersion('@jax-js/jax')}`,
    how: 'jit(vjp(nn.dotProductAttention))',
    atLeast: 5,
    async prepare() {
      const jax = await loadJax();
      if ('unsupported' in jax) return jax;
      const { shape, ...inputs } = makeInputs();
      const [, heads, seqlen, headDim] = shape;
      // jax-js takes [B, L, H, D].
      const upload = ({ data }: NdArray): JaxArray =>
        jax.numpy
          .array(swapMiddle(Float32Array.from(data), shape) as Float32Array<ArrayBuffer>)
          .reshape([1, seqlen, heads, headDim]);
      const [q, k, v] = [upload(inputs.q), upload(inputs.k), upload(inputs.v)];
      const gradient = jaxGradient(jax, { isCausal: true });
      let latest = new Float32Array();
      return {
        run: async () => {
          const [dq, dk, dv] = gradient(q.ref, q.ref, k.ref, v.ref) as [
            JaxArray,
            JaxArray,
            JaxArray,
          ];
          latest = (await dv.data()) as Float32Array<ArrayBuffer>;
          for (const array of [dq, dk]) array.dispose();
        },
        check: () => judge(swapMiddle(latest, [1, seqlen, heads, headDim])),
        dispose: () => {
          for (const array of [q, k, v]) array.dispose();
          gradient.dispose();
        },
      };
    },
  };
}

// The limit for another program is wider than heed's error budget, which the conformance cases check.
const limit = 1e-4;

/** Judges the dv of the first head by float64; the gradients of heads are independent. */
function judgeOf(makeInputs: () => DenseInputs): Judge {
  let want: NdArray | undefined;
  return (dv) => {
    const { shape, ...inputs } = makeInputs();
    const size = shape[2] * shape[3];
    const first = ({ data }: NdArray): NdArray => ({
      shape: [1, 1, shape[2], shape[3]],
      data: data.slice(0, size),
    });
    const [q, k, v] = [first(inputs.q), first(inputs.k), first(inputs.v)];
    want ??= referenceGradients({ q, k, v, options: { causal: true } }, { dOut: q }).dv;
    return { maxError: maxErrorOf(dv.subarray(0, size), want.data), limit };
  };
}

/** The score mod `score + (q - kv) / unit` in jax-js, under `jit`: all scores are stored, since it fuses nothing into attention. */
export function jaxDistance(makeInputs: () => DenseInputs, unit: number): Contestant {
  return {
    name: `jax-js ${packageVersion('@jax-js/jax')}`,
    how: 'jit(softmax(q·kᵀ·scale + distance)·v)',
    async prepare() {
      const jax = await loadJax();
      if ('unsupported' in jax) return jax;
      const { numpy: np, nn } = jax;
      const inputs = makeInputs();
      const [, heads, seqlen, headDim] = inputs.shape;
      const upload = (data: Float32Array | Float64Array): JaxArray =>
        np.array(data as Float32Array<ArrayBuffer>).reshape([heads, seqlen, headDim]);
      const args = [inputs.q, inputs.k, inputs.v].map(({ data }) => upload(data));
      const call = jax.jit((q: JaxArray, k: JaxArray, v: JaxArray) => {
        const position = np.arange(seqlen).astype(np.float32);
        const rows = position.ref.reshape([seqlen, 1]);
        const bias = rows.sub(position.reshape([1, seqlen])).mul(1 / unit);
        const scores = np.matmul(q, k.transpose([0, 2, 1])).mul(1 / Math.sqrt(headDim));
        return np.matmul(nn.softmax(scores.add(bias), -1), v);
      });
      let latest = new Float32Array();
      return {
        run: async () => {
          const [q, k, v] = args.map((array) => array.ref) as [JaxArray, JaxArray, JaxArray];
          latest = (await call(q, k, v).data()) as Float32Array<ArrayBuffer>;
        },
        check: () => {
          const scoreMod = (score: number, b: number, h: number, q: number, kv: number): number =>
            score + (q - kv) / unit;
          // The limit for another program is wider than heed's error budget.
          return { ...distance(inputs, { scoreMod }, latest), limit: 1e-4 };
        },
        dispose: () => {
          for (const array of args) array.dispose();
          call.dispose();
        },
      };
    },
  };
}
