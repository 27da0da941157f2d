import { wgsl } from '@heed/core/kernel';
import { type ParamField, u32Fields } from './params.ts';

/** Repeats generated text: `each(4)((i) => …)` is the list for i = 0 to 3. */
export function each(count: number): (text: (i: number) => string | readonly string[]) => string[] {
  return (text) => Array.from({ length: count }, (_, i) => i).flatMap((i) => text(i));
}

/** Returns the text of `base + n`, or plain `base` for 0. */
export function plus(base: string, n: number, suffix: 'u' | '' = 'u'): string {
  return n === 0 ? base : `${base} + ${n}${suffix}`;
}

/** Returns the text of `base + n` as a factor: in brackets if it is a sum. */
export function bracketed(base: string, n: number): string {
  return n === 0 ? base : `(${plus(base, n)})`;
}

/**
 * Returns text that runs `body(i)` for the value i of `index`, which is below `count`: branches that halve the range.
 * @param first least value of the index
 */
export function choose(
  index: string,
  count: number,
  body: (i: number) => string,
  first: number = 0,
): string {
  if (count === 1) return body(first);
  const half = Math.ceil(count / 2);
  return wgsl`
    if (${index} < ${first + half}u) {
      ${choose(index, half, body, first)}
    } else {
      ${choose(index, count - half, body, first + half)}
    }
  `;
}

/** The parameters that bound the loops of tile paths. */
export const loopFields: readonly ParamField[] = [
  ...u32Fields('q_vecs', 'v_vecs', 'chunk_vecs', 'q_chunks', 'v_chunks', 'key_turns'),
];

/** A loop whose trip count is known when the kernel is generated. */
interface Loop {
  /** Repeats the body with literal indices, which lets arrays become registers; otherwise loops up to `bound`. */
  readonly unroll: boolean;
  readonly index: string;
  readonly count: number;
  /**
   * A parameter that holds `count`. Software adapters unroll every loop with a constant bound, and their compile time grows
   * faster than the code. They cannot unroll a loop whose bound they do not know.
   */
  readonly bound: string;
}

/** Returns the loop's text; `body` gets the index as an expression. */
export function loop(
  { unroll, index, count, bound }: Loop,
  body: (index: string) => string,
): string {
  if (!unroll) {
    return wgsl`
      for (var ${index} = 0u; ${index} < ${bound}; ${index}++) {
        ${body(index)}
      }
    `;
  }
  return each(count)(
    (i) => wgsl`
      {
        ${body(`${i}u`)}
      }
    `,
  ).join('\n');
}
