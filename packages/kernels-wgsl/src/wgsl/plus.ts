/** The text of `base + n`, as one would write it: plain `base` for 0. */
export function plus(base: string, n: number, suffix: 'u' | '' = 'u'): string {
  return n === 0 ? base : `${base} + ${n}${suffix}`;
}

/** The same as a factor: in brackets where it is a sum. */
export function bracketed(base: string, n: number): string {
  return n === 0 ? base : `(${plus(base, n)})`;
}
