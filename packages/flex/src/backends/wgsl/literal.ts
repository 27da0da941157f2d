import { finite } from '../../ir/infinity.ts';

/** An f32 literal: the shortest decimal that rounds to the value. */
export function f32Literal(value: number): string {
  const exact = Math.fround(finite(value));
  let text = '';
  for (let digits = 1; text === '' || Math.fround(Number(text)) !== exact; digits++) {
    text = String(Number(exact.toPrecision(digits)));
  }
  const signed = Object.is(exact, -0) ? `-${text}` : text;
  return /[.e]/.test(signed) ? signed : `${signed}.0`;
}
