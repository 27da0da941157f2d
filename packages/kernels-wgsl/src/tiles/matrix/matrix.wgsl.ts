import { sections, wgsl } from '@heed/core/kernel';
import type { ForwardConfig } from '../../config/forward.ts';
import { each } from '../../wgsl/each.ts';
import { gridShape, gridThreads, THREADS_N } from '../grid/config.ts';
import { gridMain, valueDim } from '../grid/forward.wgsl.ts';
import { stageKeys, stageRows } from '../grid/staging.wgsl.ts';
import { chunkLoop, localRow } from '../grid/threads.wgsl.ts';
import { matrixArrays, type MatrixTile, PRODUCT, stagedVecs, WEIGHTS } from './config.ts';
import { multiply } from './multiply.wgsl.ts';

/**
 * Products of subgroup matrices. A matrix has no rows that a thread could get at, so each product goes through workgroup
 * memory: scores on their way to the hooks and the softmax, and what a tile adds to the output, which the threads then add to
 * their own accumulators, rescaled, in f32. That costs as much traffic as the products' operands do; accumulators that
 * stayed in matrices would need twice that to be rescaled.
 */
export function matrixMain(config: ForwardConfig, tile: MatrixTile): string {
  const rows = each(tile.rowsPerThread);
  const { headDim, headDimV } = config;
  const own = (r: number, stride: number): string => `${localRow(r)} * ${stride}u + column`;
  const threads = gridThreads(tile);
  const wholeVecs = stagedVecs(config);
  return gridMain(config, tile, {
    builtins: [
      { name: 'subgroup', builtin: 'subgroup_id' },
      { name: 'subgroups', builtin: 'num_subgroups' },
    ],
    arrays: arrays(config, tile),
    functions: sections(
      stageRows({ name: 'q', dim: headDim, threads, wholeVecs }),
      stageKeys({ name: 'k', dim: headDim, threads, wholeVecs }),
      stageKeys({ name: 'v', dim: headDimV, threads, wholeVecs }),
      keepWeights,
      ...multiply(tile, headDim),
    ),
    start: 'stage_q(work, thread);',
    dots: wgsl`
      workgroupBarrier();
      stage_k(work.seq, head, first_key, thread);
      workgroupBarrier();
      multiply_keys(subgroup, subgroups);
      workgroupBarrier();
      ${rows((r) => `var s${r} = product[${own(r, PRODUCT)}] * q_scale();`)}
    `,
    keepWeights: (r) => `keep_weights(${own(r, WEIGHTS)}, s${r});`,
    sums: wgsl`
      stage_v(work.seq, head, first_key, thread);
      ${chunkLoop(
        tile,
        valueDim(config),
        (c) => wgsl`
          workgroupBarrier();
          multiply_values(${c} * ${THREADS_N}u, subgroup, subgroups);
          workgroupBarrier();
          ${rows((r) => `acc${r}[${c}] = acc${r}[${c}] * factor${r} + product[${own(r, PRODUCT)}] / WEIGHT_SCALE;`)}
        `,
      )}
    `,
  });
}

function arrays(config: ForwardConfig, tile: MatrixTile): string {
  const lengths = matrixArrays(config, tile);
  const { tileM } = gridShape(tile);
  const array = (name: keyof typeof lengths, type: 'f16' | 'f32'): string => {
    const bytes = lengths[name] * (type === 'f16' ? 8 : 16);
    return `var<workgroup> ${name}: array<vec4<${type}>, ${lengths[name]}>; // ${bytes} bytes`;
  };
  return wgsl`
    // Padded rows keep neighbours in different banks; matrices begin at multiples of 16 bytes.
    const STAGED = ${lengths.q_tile / tileM}u;
    ${array('q_tile', 'f16')}
    ${array('kv_tile', 'f16')}
    ${array('weights', 'f16')}
    ${array('rests', 'f16')}
    ${array('product', 'f32')}
  `;
}

// In f16 alone, weights would be off by 2⁻¹² of themselves, far more than anything else. The bits that f16 holds are found
// without a conversion, since compilers may take one there and back for none at all (Mesa does).
const keepWeights = wgsl`
  // At most 1; small ones need the range of f16 below that, so a power of two moves them up.
  const WEIGHT_SCALE = 32768.0;

  // Weights in two parts, which together have the precision of f32: what f16 holds of them, and the rest.
  fn keep_weights(at: u32, x: vec4<f32>) {
    let scaled = x * WEIGHT_SCALE;
    let held = bitcast<vec4<f32>>(bitcast<vec4<u32>>(scaled) & vec4<u32>(0xffffe000u));
    weights[at] = vec4<f16>(held);
    rests[at] = vec4<f16>(scaled - held);
  }
`;
