/** Repeats generated text: `each(4)((i) => …)` is the list for i = 0 to 3. */
export function each(count: number): (text: (i: number) => string | readonly string[]) => string[] {
  return (text) => Array.from({ length: count }, (_, i) => i).flatMap((i) => text(i));
}
