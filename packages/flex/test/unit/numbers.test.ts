import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { declared, expectSame, value } from '../programs/same.ts';
import { functionOf } from '../programs/world.ts';

describe('numbers mean what JavaScript means by them', () => {
  it.for([
    ...['floor', 'ceil', 'trunc'].flatMap((f) => [
      value(`Math.${f}(q / 2)`),
      value(`Math.${f}(q / -3)`),
      value(`Math.${f}(s) + Math.${f}(q)`),
      value(`Math.${f}(q / 2.5)`),
      value(`Math.${f}((q - kv) / c.n)`),
    ]),
    value('Math.round(s * 3) + Math.round(q / 2) + Math.round(q)'),
    value('Math.sign(s) + Math.sign(q) - Math.sign(0)'),
    value('Math.imul(q, 65537) + Math.imul(2.9, 3)'),
    value('Math.imul(q, 1 << 20) / 1048576'),
    value('Math.min(q, 2) + Math.max(s, q) + Math.min(s, q, kv) + Math.max(q)'),
    value('Math.min(3, 1, 2) + Math.max(q, kv, 1, 4)'),
    value('Math.max() < 0 ? s : 1'),
    value('Math.hypot(s, q) + Math.hypot(3, 4)'),
    value('Math.abs(s) + Math.abs(q) + Math.abs(-3)'),
    value('Math.pow(2, q) + Math.pow(s, 2) + Math.pow(q, 3)'),
    value('2 ** -q + s ** 2 + q ** 2 + (-2) ** 3'),
    value('Math.abs(s) ** 0.5 + (q + 4) ** 1.5'),
    value('(q + 9) ** -2'),
    value('Math.sqrt(q + 3) + Math.cbrt(s) + Math.log2(q + 4) + Math.log10(q + 4)'),
    value('Math.exp(s) + Math.log(q + 4) + Math.sin(s) + Math.cos(q) + Math.tan(s)'),
    value('Math.tanh(s) + Math.sinh(s) + Math.cosh(s) + Math.atan(s) + Math.atan2(s, q + 9)'),
    value(
      'Math.asinh(s) + Math.acosh(q + 5) + Math.atanh(s / 4) + Math.asin(s / 4) + Math.acos(s / 4)',
    ),
    value('Math.clz32(q + 3) + Math.fround(s)'),
    value('Math.PI * s + Math.LN2 + Math.SQRT1_2'),
    value('q % 3 + -7 % 3 + s % 2 + (q - kv) % c.n'),
    value('s % 0.75 + (-s) % 0.75'),
    value('q / 2 + 7 / 2 + (q / 2) * 2'),
    value('q / c.n + c.n / (q + 4)'),
    value('(q & 6) + (q | 9) + (q ^ 5) + ~q + (q << 2) + (q >> 1) + (q >>> 1) / 1073741824'),
    value('-5 >>> 28'),
    value('(s | 0) + (s * 3 | 0) + (q << (kv & 3))'),
    value('-q - -s + +q'),
    value('c.ids[kv] + c.bias[h][b] + c.bias[h][Math.floor(kv / 4)]'),
    value('c.ids[c.ids[kv]] * s'),
    value('c.ids[~~(kv / 2)]'),
    value('q * c.x + c.n / 2 - info.qLen'),
    value('1 / 3 * 3 + q'),
    value('0.1 + 0.2'),
  ])('%s', (source) => expectSame(source));
});

/** The type of the value of an expression, seen from the graph. */
const typeOf = (text: string): string => {
  const { ir } = compileMod(functionOf(value(text)), declared, { kind: 'score' });
  // The result of a score mod is f32: an integer is converted last.
  return ir.op === 'toF32' ? ir.args[0]!.type : ir.type;
};

describe('types', () => {
  it.for([
    ['q + 1', 'i32'],
    ['q * kv - c.n', 'i32'],
    ['q % 3', 'i32'],
    ['Math.floor(q / 2)', 'i32'],
    ['Math.trunc(q / kv)', 'i32'],
    ['q ** 2', 'i32'],
    ['Math.abs(q)', 'i32'],
    ['Math.max(q, kv, 2)', 'i32'],
    ['q & 1.5', 'i32'],
    ['s | 0', 'i32'],
    ['q > 1 ? q : kv', 'i32'],
    ['info.qLen', 'i32'],
    ['q / 2', 'f32'],
    ['q / 1', 'f32'],
    ['q + 0.5', 'f32'],
    ['q + s', 'f32'],
    ['q * c.x', 'f32'],
    ['Math.max(q, s)', 'f32'],
    ['q > 1 ? q : s', 'f32'],
    ['q ** -1', 'f32'],
    ['Math.sqrt(q)', 'f32'],
    ['c.ids[q]', 'i32'],
    ['c.bias[h][q]', 'f32'],
  ] as const)('%s is %s', ([text, type]) => {
    // `/ 1` is no conversion in disguise: its type shows where the sum would wrap.
    const isWrapped = text === 'q / 1';
    expect(isWrapped ? typeOf(`(${text}) + 0.5`) : typeOf(text)).toBe(type);
  });

  it('integers wrap, as on the GPU', () => {
    const { js } = compileMod(functionOf(value('q * 65536 * 65536 + 2147483647 + q')));
    expect(js(0, 0, 0, 1, 0)).toBe(-(2 ** 31));
  });

  it('quotients of integers round exactly where f32 would not', () => {
    const { js } = compileMod(functionOf(value('Math.floor((q - 1) / 3) - 5592405')));
    expect(js(0, 0, 0, 2 ** 24, 0)).toBe(0);
    expect(js(0, 0, 0, -(2 ** 24), 0)).toBe(Math.floor((-(2 ** 24) - 1) / 3) - 5592405);
  });
});
