import { wgsl } from '@heed/core/kernel';
import { each } from './each.ts';

/** A loop whose trip count is known when the kernel is generated. */
export interface Loop {
  /** Repeat the body, with literal indices that let arrays become registers; else loop up to `bound`. */
  readonly unroll: boolean;
  readonly index: string;
  readonly count: number;
  /**
   * A parameter that holds `count`. Software adapters unroll every loop with a constant bound, at a compile time that
   * grows faster than the code; they cannot unroll what they do not know.
   */
  readonly bound: string;
}

/** The loop's text; `body` gets the index as an expression. */
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
