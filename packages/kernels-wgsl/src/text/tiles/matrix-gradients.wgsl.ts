import { wgsl } from '@heed/core/kernel';
import { each } from '../parts/repeat.ts';
import { type MatrixTile, threadRows } from './matrix-geometry.ts';
import { rowAt } from './matrix-operations.wgsl.ts';
import { passVector, type SummedResult, tileRow } from './matrix-passes.wgsl.ts';
import { multiplyResult } from './matrix-products.wgsl.ts';

/** What returns from the threads as left operands in backward: P, and the gradients of scores. */
type Returned = 'weights' | 'gradients';

const isRounded = ({ components }: MatrixTile): boolean => components === 'f16';

/** Returns the workgroup array of a left operand. In f32 it takes the place of the scores or the slopes. */
export function leftArray(tile: MatrixTile, of: Returned): string {
  return isRounded(tile) ? of : { weights: 'scores', gradients: 'slopes' }[of];
}

/** Declares how gradients of scores are held in f16. In f32 they are held as they are. */
export function heldGradients(tile: MatrixTile): string | false {
  return (
    isRounded(tile) &&
    wgsl`
      // Weights are at most 1, but for lists of lengths that no host has checked; multiplied, they keep their digits down to 2⁻²⁹.
      const WEIGHT_SCALE = 32768.0;

      // Gradients of scores are multiplied by a power of two, which all rows of the workgroup share because a result can only be
      // rescaled as a whole. It makes the largest 2^ROOM, and changes when one reaches 2¹⁵. f16 then holds what is 2⁻³² of it.
      const ROOM = 8u;
      // What is not finite stays so in f16, and must not make the others 0.
      const INFINITY_BITS = 0x7f800000u;
      // The bits of the largest magnitude that was too large for the power of its time.
      var<workgroup> largest: atomic<u32>;

      fn magnitude(x: vec4<f32>) -> f32 {
        let a = abs(x);
        return max(max(a.x, a.y), max(a.z, a.w));
      }

      // From the exponent of a float.
      fn power_of_two(exponent: u32) -> f32 {
        return bitcast<f32>(exponent << 23u);
      }

      // The exponent of the power for a largest magnitude. Its reciprocal is a normal number, too.
      fn held_exponent(magnitude_bits: u32) -> u32 {
        return min(254u + ROOM - (magnitude_bits >> 23u), 253u);
      }

      // The bits of the largest magnitude for which that power still does.
      fn held_limit(magnitude_bits: u32) -> u32 {
        return (magnitude_bits | 0x7fffffu) + ((14u - ROOM) << 23u);
      }

      // What sums must be multiplied by when the exponent changes.
      fn change_of_power(before: u32, after: u32) -> f32 {
        return power_of_two(select(0u, 127u + after - before, 127u + after >= before));
      }
    `
  );
}

/** Declares the power of two of a workgroup. */
export function declareHeld(tile: MatrixTile): string | false {
  return (
    isRounded(tile) &&
    wgsl`
      var exponent = 127u;
      var limit = 0u;
    `
  );
}

/** Returns the statements that return a thread's weights, `<name><r>`. */
export function keepWeights(tile: MatrixTile, name: string): string[] {
  return each(threadRows(tile))((r) =>
    isRounded(tile)
      ? `weights[${rowAt(tileRow(tile, r), 'SCORED')} + column] = vec4<f16>(saturate(${name}${r}) * WEIGHT_SCALE);`
      : `${passVector(tile, r)} = ${name}${r};`,
  );
}

/**
 * Returns the statements that return a thread's gradients of scores `s<r>`, rescale the sum of earlier ones if these are too
 * large, and wait for all threads.
 */
export function keepGradients(tile: MatrixTile, sum: SummedResult): string {
  const rows = each(threadRows(tile));
  if (!isRounded(tile)) {
    return wgsl`
      ${rows((r) => `${passVector(tile, r, 'slopes')} = s${r};`)}
      workgroupBarrier();
    `;
  }
  const kept = rows(
    (r) =>
      `gradients[${rowAt(tileRow(tile, r), 'SCORED')} + column] = vec4<f16>(s${r} * power_of_two(exponent));`,
  );
  const most = rows((r) => `magnitude(s${r})`).reduce((a, b) => `max(${a}, ${b})`);
  return wgsl`
    let most = bitcast<u32>(${most});
    if ((most > limit) & (most < INFINITY_BITS)) {
      atomicMax(&largest, most);
    }
    ${kept}
    let seen = workgroupUniformLoad(&largest);
    if (seen > limit) {
      let factor = change_of_power(exponent, held_exponent(seen));
      ${multiplyResult(tile, sum, 'factor')}
      exponent = held_exponent(seen);
      limit = held_limit(seen);
      ${kept}
      workgroupBarrier();
    }
  `;
}

/** Returns an operator and what makes a sum of weights dv, or a sum of gradients of scores dq or dk; nothing if that is 1. */
export function heldFactor(tile: MatrixTile, of: Returned): string {
  if (of === 'weights') return isRounded(tile) ? ' * (1.0 / WEIGHT_SCALE)' : '';
  return isRounded(tile) ? ' * (params.scale * power_of_two(254u - exponent))' : ' * params.scale';
}
