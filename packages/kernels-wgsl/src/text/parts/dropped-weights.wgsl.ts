import type { VariantHooks } from './hook.ts';

/** A pair of a query and a key: names of the row's `drop_key`, and of the key (i32). */
interface DroppedPair {
  readonly dropKey: string;
  readonly key: string;
}

/** Returns the statement that makes a weight 0 if it is dropped; none without a hook that drops weights. */
export function dropWeight(
  { drop }: VariantHooks,
  weight: string,
  { dropKey, key }: DroppedPair,
): string[] {
  return drop ? [`${weight} = select(0.0, ${weight}, is_kept(${dropKey}, ${key}));`] : [];
}

/** Returns the factor by which sums of the weights that are kept are multiplied, once in the end. */
export function keepScale({ drop }: VariantHooks): string {
  return drop ? ' * params.keep_scale' : '';
}

/** Returns the statement that turns the gradient of what multiplies v into that of the weight of the softmax. */
export function dropGradient(
  { drop }: VariantHooks,
  gradient: string,
  { dropKey, key }: DroppedPair,
): string[] {
  return drop ? [scaled(gradient, `is_kept(${dropKey}, ${key})`)] : [];
}

/** As `dropGradient`, where both the weight of the softmax and what became of it are at hand. */
export function keptGradient(
  { drop }: VariantHooks,
  gradient: string,
  { weight, kept }: { readonly weight: string; readonly kept: string },
): string[] {
  return drop ? [scaled(gradient, `${kept} == ${weight}`)] : [];
}

const scaled = (gradient: string, isKept: string): string =>
  `${gradient} = select(0.0, ${gradient} * params.keep_scale, ${isKept});`;
