import type * as JaxModule from '@jax-js/jax';

export type Jax = typeof JaxModule;
export type JaxArray = JaxModule.Array;

/** What jax-js's attention is to do. */
export interface JaxAttention {
  /** Its diagonal and its window are tied to the start. */
  readonly isCausal?: boolean;
  readonly localWindowSize?: [left: number, right: number];
  /** Query heads of one kv head: keys and values are repeated that often. */
  readonly group?: number;
}

/** jax-js on `navigator.gpu`, or why not. */
export async function loadJax(): Promise<Jax | { readonly unsupported: string }> {
  const jax = await import('@jax-js/jax');
  if (!(await jax.init('webgpu')).includes('webgpu'))
    return { unsupported: 'jax-js found no WebGPU device' };
  jax.defaultDevice('webgpu');
  return jax;
}

/** What jax-js differentiates by: q [B, L, Hq, D], k and v [B, L, Hkv, D], and maybe a bias [B, Hq, Lq, Lk]. */
export type JaxInputs = readonly [q: JaxArray, k: JaxArray, v: JaxArray, bias?: JaxArray];

/** A function under `jit`: from the gradient by the output and the inputs, all of which it consumes, to the gradients by the inputs. */
export interface JaxGradient {
  (dOut: JaxArray, ...inputs: JaxInputs): JaxArray[];
  dispose(): void;
}

/** The gradient of `nn.dotProductAttention`, by jax-js's own differentiation. */
export function jaxGradient({ numpy: np, nn, jit, vjp }: Jax, options: JaxAttention): JaxGradient {
  const { group = 1, ...rest } = options;
  const repeated = (x: JaxArray): JaxArray => (group === 1 ? x : np.repeat(x, group, 2));
  const attention = (q: JaxArray, k: JaxArray, v: JaxArray, bias?: JaxArray): JaxArray =>
    nn.dotProductAttention(q, repeated(k), repeated(v), bias ? { ...rest, bias } : rest);
  const gradient = (dOut: JaxArray, ...inputs: JaxArray[]): JaxArray[] => {
    const [out, backward] = vjp(attention as (...inputs: JaxArray[]) => JaxArray, inputs);
    out.dispose();
    return backward(dOut);
  };
  return jit(gradient) as unknown as JaxGradient;
}
