import type { AttentionState, ReferenceProblem as Problem } from '@heed/conformance';

/**
 * A second formulation of attention, which tests the first. It decides for every pair (query row, key) of the whole problem whether
 * the row sees the key, and computes Σ exp(s)·v / Σ exp(s) without subtracting a maximum. It is quadratic in all rows, so only for
 * small problems.
 */
export function oracle(problem: Problem): AttentionState {
  const { q, v } = problem;
  const dense = q.shape.length === 4;
  const dv = v.shape.at(-1) as number;
  const hq = q.shape[1] as number;
  const out = {
    shape: [...q.shape.slice(0, -1), dv],
    data: new Float64Array((q.data.length / (q.shape.at(-1) as number)) * dv),
  };
  const lseShape = dense ? q.shape.slice(0, 3) : [hq, q.shape[0] as number];
  const lse = { shape: lseShape, data: new Float64Array(lseShape.reduce((a, b) => a * b, 1)) };
  for (const row of queryRows(problem)) {
    let sum = row.b < 0 ? 0 : Math.exp(problem.options.sinks?.data[row.h] ?? -Infinity);
    const mean = new Float64Array(dv);
    for (const key of row.b < 0 ? [] : keysOf(problem, row)) {
      const weight = Math.exp(scoreOf(problem, row, key));
      sum += weight;
      for (let d = 0; d < dv; d++)
        mean[d] = (mean[d] as number) + weight * (v.data[key.v + d] as number);
    }
    lse.data[row.lse] = Math.log(sum);
    for (let d = 0; d < dv; d++) out.data[row.out + d] = sum === 0 ? 0 : (mean[d] as number) / sum;
  }
  return { out, lse };
}

interface Row {
  readonly b: number;
  readonly h: number;
  readonly i: number;
  readonly qLen: number;
  readonly q: number;
  readonly out: number;
  readonly lse: number;
}

interface Key {
  readonly j: number;
  readonly k: number;
  readonly v: number;
}

function* queryRows({ q, v, cuSeqlensQ }: Problem): Generator<Row> {
  const d = q.shape.at(-1) as number;
  const dv = v.shape.at(-1) as number;
  const flat = q.data.length / d;
  const h1 = q.shape[1] as number;
  for (let r = 0; r < flat; r++) {
    if (q.shape.length === 4) {
      const l = q.shape[2] as number;
      yield {
        b: Math.floor(r / (h1 * l)),
        h: Math.floor(r / l) % h1,
        i: r % l,
        qLen: l,
        q: r * d,
        out: r * dv,
        lse: r,
      };
      continue;
    }
    const t = Math.floor(r / h1);
    const h = r % h1;
    const bounds = [...(cuSeqlensQ as Int32Array)];
    const b = bounds.findIndex((start, n) => t >= start && t < (bounds[n + 1] ?? -1));
    const start = bounds[b] ?? 0;
    const qLen = (bounds[b + 1] ?? 0) - start;
    yield { b, h, i: t - start, qLen, q: r * d, out: r * dv, lse: h * (q.shape[0] as number) + t };
  }
}

/** Returns the key length of a sequence. */
function keyCount(
  { k, q, cuSeqlensQ, cuSeqlensK = cuSeqlensQ, seqUsedK }: Problem,
  b: number,
): number {
  if (seqUsedK !== undefined) return seqUsedK[b] as number;
  if (q.shape.length === 4) return k.shape[2] as number;
  return (cuSeqlensK?.[b + 1] as number) - (cuSeqlensK?.[b] as number);
}

/** Returns how many entries of a row's list of selected keys name key j; 1 for every key without lists. */
function timesNamed({ q, options }: Problem, row: Row, j: number): number {
  const { selectedKeys, selectedBlockSize: size = 1 } = options;
  if (selectedKeys === undefined) return 1;
  const { shape, data } = selectedKeys;
  const hq = q.shape[1] as number;
  const [entries, heads] = [shape.at(-1) as number, shape[1] as number];
  const head = Math.floor((row.h * heads) / hq);
  const token = Math.floor(row.q / (q.shape.at(-1) as number) / hq);
  const line =
    shape.length === 3
      ? token * heads + head
      : ((shape[0] === 1 ? 0 : row.b) * heads + head) * (shape[2] as number) + row.i;
  const list = data.subarray(line * entries, (line + 1) * entries);
  return list.filter((entry) => entry === Math.floor(j / size)).length;
}

function* keysOf(problem: Problem, row: Row): Generator<Key> {
  const { b, h, i, qLen } = row;
  const { q, k, v, cuSeqlensQ, cuSeqlensK = cuSeqlensQ, blockTable, seqUsedK } = problem;
  const { causal = false, window = [-1, -1], align = 'end' } = problem.options;
  const hkv = k.shape[q.shape.length === 4 ? 1 : k.shape.length - 2] as number;
  const head = Math.floor((h * hkv) / (q.shape[1] as number));
  const kvLen = keyCount(problem, b);
  const at = i + (align === 'end' ? kvLen - qLen : 0);
  for (let j = 0; j < kvLen; j++) {
    if (causal && j > at) continue;
    if (window[0] !== -1 && j < at - window[0]) continue;
    if (window[1] !== -1 && j > at + window[1]) continue;
    let cell: number;
    if (q.shape.length === 4) {
      const entry = k.shape[0] === 1 ? 0 : b;
      cell = (entry * hkv + head) * (k.shape[2] as number) + j;
    } else if (blockTable === undefined) {
      cell = ((cuSeqlensK?.[b] as number) + j) * hkv + head;
    } else {
      const size = k.shape[1] as number;
      const width = blockTable.length / (seqUsedK as Int32Array).length;
      const page = blockTable[b * width + (j - (j % size)) / size] as number;
      cell = (page * size + (j % size)) * hkv + head;
    }
    const key = { j, k: cell * (k.shape.at(-1) as number), v: cell * (v.shape.at(-1) as number) };
    for (let n = timesNamed(problem, row, j); n > 0; n--) yield key;
  }
}

function scoreOf(problem: Problem, row: Row, key: Key): number {
  const { q, k, options } = problem;
  const d = q.shape.at(-1) as number;
  const products = Array.from(
    { length: d },
    (_, n) => (q.data[row.q + n] as number) * (k.data[key.k + n] as number),
  );
  const [scale = d ** -0.5, softcap] = [options.scale, options.softcap].map((x) =>
    typeof x === 'object' ? (x.data[x.shape.length === 0 ? 0 : row.h] as number) : x,
  );
  let s = scale * products.reduce((a, b) => a + b, 0);
  if (softcap) s = softcap * Math.tanh(s / softcap);
  if (options.alibiSlopes) {
    const { shape, data } = options.alibiSlopes;
    const slope = shape.length === 1 ? data[row.h] : data[row.b * (shape[1] as number) + row.h];
    const position = row.i + (options.align === 'start' ? 0 : keyCount(problem, row.b) - row.qLen);
    s -= (slope as number) * Math.abs(position - key.j);
  }
  return s;
}
