import type { DType, Gpu, Tensor } from '@heed/core';
import { random } from '@heed/conformance/reference';
import { attention, attentionVjp, topKeys } from '@heed/kernels-wgsl';
import type { Contestant } from '../measure/bench-results.ts';

/** Attention over a long cache, and over the keys of it that lists name. */
interface SelectedWork {
  readonly heads: readonly [q: number, kv: number];
  readonly rows: number;
  /** Rows that attend to all keys; default `rows`. */
  readonly rowsOfAll?: number;
  readonly keys: number;
  /** Entries of each row's list, which all heads share. */
  readonly entries: number;
  readonly headDim: number;
  readonly dtype: DType;
  /** Largest allowed ratio of the time with lists to that without. */
  readonly atMost?: number;
}

/** Times attention over all keys, then over those that lists name. */
export function selectedContestants(work: SelectedWork): Contestant[] {
  const { rows, rowsOfAll = rows, entries, atMost } = work;
  return [
    allKeys({ ...work, rows: rowsOfAll }, rowsOfAll === rows ? '' : `, ${rowsOfAll} rows`),
    contestant(work, `${entries} keys`, '{ …, selectedKeys }', atMost, (gpu, [q, k, v], own) => {
      const selectedKeys = own(lists(gpu, work));
      return () => attention(q, k, v, { causal: true, selectedKeys }).out;
    }),
  ];
}

const allKeys = (work: SelectedWork, rows: string): Contestant =>
  contestant(
    work,
    `all keys${rows}`,
    'attention(q, k, v, { causal: true })',
    undefined,
    (_, [q, k, v]) =>
      () =>
        attention(q, k, v, { causal: true }).out,
  );

/** Times attention over all keys, then an indexer of such keys, then both the indexer and attention to what it lists. */
export function indexerContestants(
  work: SelectedWork,
  index: { readonly heads: number; readonly headDim: number },
): Contestant[] {
  const { rows, keys, entries: topK, dtype } = work;
  const indexer = (gpu: Gpu, own: Own): (() => Tensor) => {
    const q = own(normal(gpu, [1, index.heads, rows, index.headDim], dtype, 4));
    const k = own(normal(gpu, [1, 1, keys, index.headDim], dtype, 5));
    return () => topKeys(q, k, { topK, causal: true });
  };
  return [
    allKeys(work, ''),
    contestant(work, 'topKeys', 'topKeys(q, k, { topK, causal: true })', undefined, (gpu, _, own) =>
      indexer(gpu, own),
    ),
    contestant(work, 'both', 'topKeys, then { …, selectedKeys }', work.atMost, (gpu, qkv, own) => {
      const listed = indexer(gpu, own);
      return () => {
        using selectedKeys = listed();
        return attention(...qkv, { causal: true, selectedKeys }).out;
      };
    }),
  ];
}

/** Times the gradients of attention over all keys, then over those that lists name. */
export function selectedBackward(work: SelectedWork): Contestant[] {
  const of = (name: string, how: string, isSelected: boolean): Contestant =>
    contestant(work, name, how, isSelected ? work.atMost : undefined, (gpu, qkv, own) => {
      const selected = isSelected ? { selectedKeys: own(lists(gpu, work)) } : {};
      const { out, lse, backward } = attentionVjp(...qkv, { causal: true, ...selected });
      own(out);
      own(lse);
      return () => {
        const { dq, dk, dv } = backward(qkv[0]);
        dk.dispose();
        dv.dispose();
        return dq;
      };
    });
  return [
    of('all keys', 'attentionVjp(q, k, v, { causal: true }).backward(dOut)', false),
    of(`${work.entries} keys`, '{ …, selectedKeys }', true),
  ];
}

type Operands = readonly [q: Tensor, k: Tensor, v: Tensor];

/** Takes a tensor that lives as long as the contestant. */
type Own = (tensor: Tensor) => Tensor;

function contestant(
  work: SelectedWork,
  name: string,
  how: string,
  atMost: number | undefined,
  call: (gpu: Gpu, qkv: Operands, own: Own) => () => Tensor,
): Contestant {
  return {
    name,
    how,
    ...(atMost !== undefined && { atMost }),
    async prepare(gpu) {
      const { heads, rows, keys, headDim, dtype } = work;
      const owned: Tensor[] = [];
      const own: Own = (tensor) => {
        owned.push(tensor);
        return tensor;
      };
      const tensor = (shape: readonly number[], seed: number): Tensor =>
        own(normal(gpu, shape, dtype, seed));
      const q = tensor([1, heads[0], rows, headDim], 1);
      const k = tensor([1, heads[1], keys, headDim], 2);
      const v = tensor([1, heads[1], keys, headDim], 3);
      const run = call(gpu, [q, k, v], own);
      return {
        run: async () => {
          using result = run();
          await gpu.settled();
          void result;
        },
        dispose: () => owned.forEach((x) => x.dispose()),
      };
    },
  };
}

/** Returns lists of distinct keys in ascending order, evenly spread: one of each run of neighbours. */
function lists(gpu: Gpu, { rows, keys, entries }: SelectedWork): Tensor {
  const source = random(5);
  const run = Math.floor((keys - rows) / entries);
  const data = Int32Array.from(
    { length: rows * entries },
    (_, i) => (i % entries) * run + source.below(run),
  );
  return gpu.tensor(data, { shape: [1, 1, rows, entries], dtype: 'i32' });
}

// Some numbers are repeated, which fills large tensors fast.
function normal(gpu: Gpu, shape: readonly number[], dtype: DType, seed: number): Tensor {
  const source = random(seed);
  const some = Float32Array.from({ length: 65_537 }, () => source.normal());
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i += some.length) data.set(some.subarray(0, data.length - i), i);
  return gpu.tensor(data, { shape: [...shape], dtype });
}
