import type { Gpu } from '@heed/core';
import { bindTensor, dispatch, getKernel, toHalf, uploadStorage, wgsl } from '@heed/core/kernel';
import type {
  CompiledMaskHook,
  CompiledScoreHook,
} from '../../src/text/backends/wgsl/wgsl-hooks.ts';
import {
  hookParams,
  type HookValues,
  type ShapedPlace,
} from '../../src/text/backends/wgsl/hook-fields.ts';

export type AnyHook = CompiledScoreHook | CompiledMaskHook;

/** Words of a pair: score (bits), b, h, q, kv, qLen, kvLen, qRow. */
const PAIR = 8;

/** Words of a span: b, hFirst, hLast, qFirst, qLast, kvFirst, kvLast, qLen, kvLen. */
const SPAN = 9;

export interface GpuPair {
  readonly score: number;
  readonly b: number;
  readonly h: number;
  readonly q: number;
  readonly kv: number;
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow?: number;
}

/** Row `key` of the packed keys in {@link runPairs}. */
const KV_BASE = 1000;

/** Row-major tables in one buffer, as a kernel's `captures` binding has them. */
export function packTables(
  tables: readonly {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly data: readonly number[];
  }[],
): { words: Uint32Array<ArrayBuffer>; places: ShapedPlace[] } {
  const all: number[] = [7, 7];
  const places = tables.map(({ dtype, shape, data }) => {
    const isHalf = dtype === 'f16';
    const offset = all.length * (isHalf ? 2 : 1);
    if (isHalf) {
      for (let i = 0; i < data.length; i += 2)
        all.push(toHalf(data[i]!) | (toHalf(data[i + 1] ?? 0) << 16));
    } else {
      all.push(...(dtype === 'f32' ? new Int32Array(new Float32Array(data).buffer) : data));
    }
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    return { offset, shape, strides };
  });
  return { words: Uint32Array.from(all, (word) => word >>> 0), places };
}

/** What every hook gives for every pair: [hook][pair] f32 bits of a score, or 0 and 1. One pipeline for all hooks. */
export async function runPairs(
  gpu: Gpu,
  hooks: readonly AnyHook[],
  values: HookValues,
  words: Uint32Array<ArrayBuffer>,
  pairs: readonly GpuPair[],
): Promise<Uint32Array[]> {
  const constants = hooks.flatMap((hook) => hook.constants ?? []);
  const code = wgsl`
    ${surroundings(hooks)}

    fn make_row(at: u32) -> Row {
      var row = Row();
      row.batch = items[at + 1u];
      row.head = items[at + 2u];
      row.query = items[at + 3u];
      row.q_row = items[at + 7u];
      row.q_len = items[at + 5u];
      row.k_len = items[at + 6u];
      ${constants.map(({ name, expression }) => `row.${name} = ${expression};`)}
      return row;
    }

    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      if (id.x >= params.count) {
        return;
      }
      let at = id.x * ${PAIR}u;
      let row = make_row(at);
      let key = items[at + 4u];
      let score = bitcast<f32>(items[at]);
      ${hooks.map((hook, i) => `result[${i}u * params.count + id.x] = ${pairCall(hook)};`)}
    }
  `;
  const items = pairs.flatMap(({ score, b, h, q, kv, qLen, kvLen, qRow = 0 }) => {
    const [bits] = new Int32Array(new Float32Array([score]).buffer);
    return [bits!, b, h, q, kv, qLen, kvLen, qRow];
  });
  return run(gpu, code, hooks, values, words, Int32Array.from(items), pairs.length, 1);
}

function pairCall(hook: AnyHook): string {
  const { kind, name } = hook;
  if (kind === 'mask') return `select(0u, 1u, visible_${name}(row, key))`;
  const diagonal = hook.hasDiagonal ? `, diagonal_${name}(row, row.query - key)` : '';
  return `bitcast<u32>(score_${name}(score, row, key${diagonal}))`;
}

/** The class of every span by every mask, and its key range: [hook][3 · span] as EMPTY 0, PARTIAL 1, FULL 2; first; end. */
export async function runSpans(
  gpu: Gpu,
  hooks: readonly CompiledMaskHook[],
  values: HookValues,
  words: Uint32Array<ArrayBuffer>,
  spans: readonly (readonly number[])[],
): Promise<Uint32Array[]> {
  const code = wgsl`
    ${surroundings(hooks)}

    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      if (id.x >= params.count) {
        return;
      }
      let at = id.x * ${SPAN}u;
      let span = Span(${Array.from({ length: SPAN }, (_, i) => `items[at + ${i}u]`).join(', ')});
      ${hooks.map(
        ({ name, hasRange }, i) => wgsl`
          {
            let to = (${i}u * params.count + id.x) * 3u;
            let keys = ${hasRange ? `range_${name}(span)` : 'vec2<i32>(0, 2147483647)'};
            result[to] = class_${name}(span);
            result[to + 1u] = u32(keys.x);
            result[to + 2u] = u32(keys.y);
          }
        `,
      )}
    }
  `;
  return run(gpu, code, hooks, values, words, Int32Array.from(spans.flat()), spans.length, 3);
}

/** What kernels declare for hooks. */
function surroundings(hooks: readonly AnyHook[]): string {
  const constants = hooks.flatMap((hook) => hook.constants ?? []);
  const fields = hooks.flatMap((hook) => hook.params);
  return wgsl`
    const EMPTY = 0u;
    const PARTIAL = 1u;
    const FULL = 2u;

    struct Params {
      count: u32,
      ${fields.map(({ name, type }) => `${name}: ${type},`)}
    }

    struct Row {
      batch: i32,
      head: i32,
      query: i32,
      q_row: i32,
      q_len: i32,
      k_len: i32,
      ${constants.map(({ name, type }) => `${name}: ${type},`)}
    }

    struct Span {
      batch: i32,
      head_first: i32,
      head_last: i32,
      query_first: i32,
      query_last: i32,
      key_first: i32,
      key_last: i32,
      q_len: i32,
      k_len: i32,
    }

    @group(0) @binding(0) var<storage, read> items: array<i32>;
    @group(0) @binding(1) var<storage, read> captures: array<u32>;
    @group(0) @binding(2) var<storage, read_write> result: array<u32>;
    @group(0) @binding(3) var<uniform> params: Params;

    fn kv_row(row: Row, key: i32) -> i32 {
      return key + ${KV_BASE};
    }

    ${hooks.map((hook) => `${hook.wgsl}\n`)}
  `;
}

async function run(
  gpu: Gpu,
  code: string,
  hooks: readonly AnyHook[],
  values: HookValues,
  words: Uint32Array<ArrayBuffer>,
  items: Int32Array<ArrayBuffer>,
  count: number,
  each: number,
): Promise<Uint32Array[]> {
  using result = gpu.empty([hooks.length * count * each], { dtype: 'u32' });
  dispatch(gpu, {
    kernel: getKernel(gpu, {
      label: 'flex hooks',
      code,
      bindings: ['read', 'read', 'write', 'uniform'],
    }),
    buffers: [uploadStorage(gpu, items), uploadStorage(gpu, words), bindTensor(result).range],
    params: uniform(hooks, values, count),
    workgroups: [Math.ceil(count / 64), 1, 1],
  });
  const all = await result.read();
  return hooks.map((_, i) => all.subarray(i * count * each, (i + 1) * count * each));
}

function uniform(hooks: readonly AnyHook[], values: HookValues, count: number): Uint32Array {
  const fields = hooks.flatMap((hook) => hook.params);
  const view = new DataView(new ArrayBuffer(Math.ceil((fields.length + 1) / 4) * 16));
  view.setUint32(0, count, true);
  const numbers = hookParams(fields, values);
  fields.forEach(({ name, type }, i) => {
    const write = { f32: 'setFloat32', i32: 'setInt32', u32: 'setUint32' } as const;
    view[write[type]]((i + 1) * 4, numbers[name]!, true);
  });
  return new Uint32Array(view.buffer);
}
