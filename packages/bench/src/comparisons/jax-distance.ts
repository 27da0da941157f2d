import { type JaxArray, loadJax } from '../jax-gradient.ts';
import { packageVersion } from '../package-version.ts';
import type { Contestant } from './comparison.ts';
import { type DenseInputs, distance } from './dense.ts';

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
          // Another program answers to a wider limit than heed's error budget.
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
