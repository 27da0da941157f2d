import { wgsl } from '@heed/core/kernel';
import type { ForwardConfig } from '../../config/forward.ts';
import { entryPoint, keyTileLoop } from '../entry.wgsl.ts';
import { each } from '../../wgsl/each.ts';
import { loop } from '../../wgsl/loop.ts';
import { bracketed, plus } from '../../wgsl/plus.ts';
import { tileScores } from '../scores.wgsl.ts';
import { CHUNK, type PortableTile, portableShape, THREADS_N } from './config.ts';

/**
 * Tile compute through workgroup memory. Per key tile: scores, CHUNK elements of the head dim at a time; softmax; then
 * the weights, from workgroup memory, times CHUNK columns of v at a time.
 */
export function portableMain(config: ForwardConfig, tile: PortableTile): string {
  const { tileM, tileN } = portableShape(tile);
  const threads = tile.threadsM * THREADS_N;
  const rows = each(tile.rowsPerThread);
  // A thread's row within the tile.
  const local = (r: number): string => bracketed('first_row', r);
  const lanes = each(4);
  const chunks = Math.ceil(config.headDimV / CHUNK);
  const { unroll } = tile;
  const chunkVecs = unroll ? `${THREADS_N}u` : 'params.chunk_vecs';
  const valueChunks = { unroll, index: 'chunk', count: chunks, bound: 'params.v_chunks' };
  const body = wgsl`
    let column = thread % ${THREADS_N}u;
    let first_row = thread / ${THREADS_N}u${tile.rowsPerThread > 1 && ` * ${tile.rowsPerThread}u`};

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        var state${r} = softmax_init();
        var acc${r} = array<vec4<f32>, ${chunks}>();
      `,
    )}

    ${keyTileLoop(
      config.hooks,
      wgsl`
      ${rows((r) => `var s${r} = vec4<f32>();`)}
      for (var chunk = 0u; chunk < ${unroll ? `${Math.ceil(config.headDim / 4)}u` : 'params.q_vecs'}; chunk += ${THREADS_N}u) {
        workgroupBarrier();
        stage_q(work, chunk * 4u, thread);
        stage_k(work.seq, head, first_key, chunk * 4u, thread);
        workgroupBarrier();
        for (var d = 0u; d < ${chunkVecs}; d++) {
          ${lanes((n) => `let k${n} = kv_tile[${bracketed('column * 4u', n)} * STAGED + d];`)}
          ${rows(
            (r) => wgsl`
              let q${r} = q_tile[${local(r)} * STAGED + d];
              s${r} += vec4<f32>(dot(q${r}, k0), dot(q${r}, k1), dot(q${r}, k2), dot(q${r}, k3));
            `,
          )}
        }
      }

      let key = i32(first_key + column * 4u);
      ${tileScores(config.hooks, (statement) =>
        rows((r) =>
          lanes((n) =>
            statement({ score: `s${r}[${n}]`, row: `row${r}`, key: plus('key', n, '') }),
          ).join('\n'),
        ).join('\n'),
      )}
      ${rows(
        (r) => wgsl`
          partial[${local(r)} * ${THREADS_N}u + column] = max(max(s${r}.x, s${r}.y), max(s${r}.z, s${r}.w));
        `,
      )}
      workgroupBarrier();
      ${rows(
        (r) => wgsl`
          var tile_max${r} = MASKED;
          for (var i = 0u; i < ${chunkVecs}; i++) {
            tile_max${r} = max(tile_max${r}, partial[${local(r)} * ${THREADS_N}u + i]);
          }
          let factor${r} = softmax_rescale(&state${r}, tile_max${r});
          ${lanes((n) => `s${r}[${n}] = softmax_weight(s${r}[${n}], state${r}.row_max);`)}
          // A thread sums its own keys only; the columns meet in the end.
          state${r}.row_sum += s${r}.x + s${r}.y + s${r}.z + s${r}.w;
          weights[${local(r)} * ${THREADS_N}u + column] = s${r};
        `,
      )}

      ${loop(
        valueChunks,
        (c) => wgsl`
          workgroupBarrier();
          stage_v(work.seq, head, first_key, ${c} * ${CHUNK}u, thread);
          workgroupBarrier();
          ${rows((r) => `var sum${r} = acc${r}[${c}] * factor${r};`)}
          for (var i = 0u; i < ${chunkVecs}; i++) {
            ${lanes((n) => `let v${n} = kv_tile[${bracketed('i * 4u', n)} * STAGED + column];`)}
            ${rows(
              (r) => wgsl`
                let p${r} = weights[${local(r)} * ${THREADS_N}u + i];
                sum${r} += p${r}.x * v0 + p${r}.y * v1 + p${r}.z * v2 + p${r}.w * v3;
              `,
            )}
          }
          ${rows((r) => `acc${r}[${c}] = sum${r};`)}
        `,
      )}
`,
    )}

    workgroupBarrier();
    ${rows((r) => `partial[${local(r)} * ${THREADS_N}u + column] = state${r}.row_sum;`)}
    workgroupBarrier();
    ${rows(
      (r) => wgsl`
        state${r}.row_sum = 0.0;
        for (var i = 0u; i < ${chunkVecs}; i++) {
          state${r}.row_sum += partial[${local(r)} * ${THREADS_N}u + i];
        }
        if (${plus('work.first_row + first_row', r)} < work.rows) {
          let sink = apply_sink(&state${r}, row${r}, work.split);
          let norm = sink * softmax_norm(state${r});
          let out_row = out_row_offset(row${r}, work.split);
          ${loop(
            valueChunks,
            (c) => wgsl`
              let d = ${c} * ${CHUNK}u + column * 4u;
              if (d < ${config.headDimV}u) {
                write_out(out_row, d, acc${r}[${c}] * norm);
              }
            `,
          )}
          if (column == 0u) {
            write_lse(state${r}, row${r}, work.split);
          }
        }
      `,
    )}
  `;
  return wgsl`
    // A padded row of ${THREADS_N + 1} vectors keeps neighbouring rows in different banks.
    const STAGED = ${THREADS_N + 1}u;
    var<workgroup> q_tile: array<vec4<f32>, ${tileM * (THREADS_N + 1)}>; // ${tileM * (THREADS_N + 1) * 16} bytes
    var<workgroup> kv_tile: array<vec4<f32>, ${tileN * (THREADS_N + 1)}>; // ${tileN * (THREADS_N + 1) * 16} bytes
    var<workgroup> weights: array<vec4<f32>, ${tileM * THREADS_N}>; // ${tileM * THREADS_N * 16} bytes
    var<workgroup> partial: array<f32, ${tileM * THREADS_N}>; // ${tileM * THREADS_N * 4} bytes

    // Elements chunk to chunk + ${CHUNK - 1} of the tile's query rows.
    fn stage_q(work: Work, chunk: u32, thread: u32) {
      for (var i = thread; i < TILE_M * ${THREADS_N}u; i += ${threads}u) {
        let d = chunk + i % ${THREADS_N}u * 4u;
        var x = vec4<f32>();
        if (d < ${config.headDim}u) {
          x = read_q(q_row_offset(make_row(work, work.first_row + i / ${THREADS_N}u)), d) * q_scale();
        }
        q_tile[i / ${THREADS_N}u * STAGED + i % ${THREADS_N}u] = x;
      }
    }

    ${stageKeys('k', config.headDim, threads)}

    ${stageKeys('v', config.headDimV, threads)}

    ${entryPoint(threads, { name: 'thread', builtin: 'local_invocation_index' }, body)}
  `;
}

// Rows beyond the sequence's keys are not read: they may hold anything.
const stageKeys = (name: 'k' | 'v', dim: number, threads: number): string => wgsl`
  // Elements chunk to chunk + ${CHUNK - 1} of ${name} of the tile's keys.
  fn stage_${name}(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
    for (var i = thread; i < TILE_N * ${THREADS_N}u; i += ${threads}u) {
      let key = first_key + i / ${THREADS_N}u;
      let d = chunk + i % ${THREADS_N}u * 4u;
      var x = vec4<f32>();
      if (key < seq.k_len && d < ${dim}u) {
        x = read_${name}(${name}_row_offset(seq, head, key), d);
      }
      kv_tile[i / ${THREADS_N}u * STAGED + i % ${THREADS_N}u] = x;
    }
  }
`;
