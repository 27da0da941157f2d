import { sections, wgsl } from '@heed/core/kernel';
import type { ScoreHook, VariantHooks } from './hook.ts';
import type { KernelPart } from './kernel-parts.ts';
import { u32Fields } from './params.ts';
import { chainOf, type TileScore } from './score-chain.wgsl.ts';

/** A read of a table by a hook whose tables get gradients; all such reads of a kernel are numbered. */
interface CollectedRead {
  readonly hook: ScoreHook;
  /** Index among the reads of the hook. */
  readonly index: number;
  readonly isPerRow: boolean;
}

/** Returns the reads of hooks, in order: their numbers name the parameters of a kernel that collects them. */
export function collectedReads(collects: readonly ScoreHook[]): CollectedRead[] {
  return collects.flatMap((hook) =>
    hook.gradient!.reads.map(({ isPerRow }, index) => ({ hook, index, isPerRow })),
  );
}

/**
 * Sums any number of contributions to the same bits in any order: in 64-bit fixed point, whose exponent comes from the
 * largest contribution (first pass), so that no sum can overflow. Integer addition is associative, so atomics are used on
 * integers only.
 *
 * For each read, parameters give the offset of its table's sums and the number of the table's elements. The sums of a table
 * are the largest contribution (bits), then per element the low words, the high words, and a word that is 1 if a
 * contribution was not finite.
 */
export function collectPart(hooks: VariantHooks, collects: readonly ScoreHook[]): KernelPart {
  const reads = collectedReads(collects).flatMap((_, i) => [`read${i}_first`, `read${i}_count`]);
  const chains = isAlone(hooks) ? [] : collects.map((hook) => chainOf(hooks, hook));
  return {
    fields: u32Fields('collect_pass', 'log2_adds', ...reads),
    text: sections(collectText, ...chains),
  };
}

// A single score hook takes the dot product, and its result is the final score.
const isAlone = ({ scores }: VariantHooks): boolean => scores.length === 1;

const collectText = wgsl`
  // The contribution's integer is its mantissa · 2^shift. The largest one is below 2^(62 − log2_adds).
  fn fixed_point(bits: u32, largest: u32) -> vec2<u32> {
    let exponent = i32(max(bits >> 23u, 1u));
    let mantissa = (bits & 0x7fffffu) | select(0u, 0x800000u, bits >= 0x800000u);
    let shift = 38 - i32(params.log2_adds) - (i32(max(largest >> 23u, 1u)) - exponent);
    if (shift < 0) {
      return vec2<u32>(select(0u, mantissa >> u32(-shift), shift > -32), 0u);
    }
    let s = u32(shift);
    if (s >= 32u) {
      return vec2<u32>(0u, mantissa << (s - 32u));
    }
    return vec2<u32>(mantissa << s, select(0u, mantissa >> (32u - s), s > 0u));
  }

  fn contribute(first: u32, count: u32, element: u32, x: f32) {
    let bits = bitcast<u32>(x) & 0x7fffffffu;
    if (bits == 0u) {
      return;
    }
    if (bits >= 0x7f800000u) {
      atomicOr(&out[first + 1u + 2u * count + element], 1u);
      return;
    }
    if (params.collect_pass == 0u) {
      atomicMax(&out[first], bits);
      return;
    }
    var value = fixed_point(bits, atomicLoad(&out[first]));
    if (x < 0.0) {
      value = vec2<u32>(~value.x + 1u, ~value.y + select(0u, 1u, value.x == 0u));
    }
    let low = atomicAdd(&out[first + 1u + element], value.x);
    let carry = select(0u, 1u, low + value.x < low);
    atomicAdd(&out[first + 1u + count + element], value.y + carry);
  }
`;

/**
 * Adds one score's contributions to the sums. `score` names the dot product, `scoreDerivative` the gradient with respect to the final
 * score.
 */
export function collectScore(
  hooks: VariantHooks,
  collects: readonly ScoreHook[],
  { score, scoreDerivative, row, key }: TileScore,
): string[] {
  const reads = collectedReads(collects).map((read, i) => ({ ...read, i }));
  const add = (of: ScoreHook, own: string, follows: string): string[] =>
    reads.flatMap(({ hook, index, isPerRow, i }) => {
      if (hook !== of) return [];
      const pair = `(${own}, ${row}, ${key})`;
      const x = `select(${follows} * partial_${of.name}_${index}${pair}, 0.0, ${scoreDerivative} == 0.0)`;
      if (isPerRow) return [`${row}_sum${i} += ${x};`];
      return [
        `contribute(params.read${i}_first, params.read${i}_count, element_${of.name}_${index}${pair}, ${x});`,
      ];
    });
  return collects.flatMap((hook) =>
    isAlone(hooks)
      ? add(hook, score, scoreDerivative)
      : [
          wgsl`
            {
              let chain = chain_${hook.name}(${score}, ${row}, ${key});
              ${add(hook, 'chain.x', `${scoreDerivative} * chain.y`)}
            }
          `,
        ],
  );
}

/** Declares sums over the keys of a row, for reads whose element is the same for every key. */
export function declareRowSums(collects: readonly ScoreHook[], row: string): string[] {
  return collectedReads(collects).flatMap(({ isPerRow }, i) =>
    isPerRow ? [`var ${row}_sum${i} = 0.0;`] : [],
  );
}

/** Adds a row's sums to their table elements, for reads whose element is the same for every key. */
export function collectRow(collects: readonly ScoreHook[], row: string): string[] {
  return collectedReads(collects).flatMap(({ hook, index, isPerRow }, i) =>
    isPerRow
      ? [
          `contribute(params.read${i}_first, params.read${i}_count, element_${hook.name}_${index}(0.0, ${row}, 0), ${row}_sum${i});`,
        ]
      : [],
  );
}
