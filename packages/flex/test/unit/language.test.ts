import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import type { Node } from '../../src/text/ir/expression-node.ts';
import { body, declaredCaptures, expectSame, value } from '../programs/expect-same.ts';
import { functionOf } from '../programs/world.ts';

describe('the compiled function means what JavaScript means', () => {
  describe('loops', () => {
    it.for([
      body('let t = s; for (let i = 0; i < 4; i++) t += i * q; return t;'),
      body('let t = 0; for (let i = 3; i >= 0; i--) { t += c.ids[i]; } return t;'),
      body('let t = 0; for (let i = 0, n = 2; i < n; i += 1) t += i; return t;'),
      body('let t = 0; for (let i = 1; i < 40; i *= 2) { t += i % 3; } return t;'),
      body('let t = 0; for (let i = 0; i < 5; i++) { if (i > q) break; t += i; } return t;'),
      body('let t = 0; for (let i = 0; i < 5; i++) { if (i === kv) continue; t += i; } return t;'),
      body('for (let i = 0; i < 5; i++) { if (c.ids[i] === q) return i; } return s;'),
      body(
        'let t = 0; for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) { if (j > i) break; t += q * i + j; } return t;',
      ),
      body('let i = 0; for (; i < 5; i++) if (i > q) break; return i;'),
      body('let t = 0; for (let i = 0, j = 4; i < j; i++, j--) t += i * j; return t;'),
      body(
        'if (q > 2) { if (kv > 2) return 1; s += 1; } s += 2; if (kv < 2) return s; return s * 2;',
      ),
      body('let t = 0, i = 0; for (; i < 3; ) { t += i; i++; } return t + i;'),
      body('let t = 0; for (let i = 0; ; i++) { if (i === 3) break; t += i; } return t;'),
      body('let t = 0; for (var i = 0; i < 3; i++) t -= q; return t + i;'),
      body(
        'const f = () => g() + t; function g() { return t * q; } let t = 2; { const kv = 3; t += kv; } return f() + kv + s;',
      ),
    ])('%s', (source) => expectSame(source));
  });

  describe('assignment', () => {
    it.for(['+=', '-=', '*=', '/=', '%=', '**=', '&=', '|=', '^=', '<<=', '>>=', '='])(
      't %s 3',
      (operator) => expectSame(body(`let t = q + 4; t ${operator} 3; return t + s;`)),
    );
    it.for([
      body('let t = q + 9; t >>>= 2; return t;'),
      body('let t = q > kv; t &&= s > 0; return t ? 1 : 2;'),
      body('let t = q > kv; t ||= s > 0; return t ? 1 : 2;'),
      body('let t; t ??= s; return t;'),
      body('let t = q; const a = t++ + ++t; const d = t-- - --t; return a * 10 + d + t;'),
      body('let t = 1, u = t = q; return t + u;'),
      body('let t = 0; return (t = q, t += 2, t * s);'),
      body('let t = s; q > kv && (t = 1); q < 2 || (t -= 3); return t;'),
      body('let t = s; return (q > kv ? (t = 2) : (t += 1)) + t;'),
      '(s, b, h, q) => { s *= 2; q -= 1; return s + q; }',
    ])('%s', (source) => expectSame(source));
  });

  describe('what minifiers write', () => {
    it.for([
      value('q > kv ? s : -1/0'),
      value('q > kv ? s : -(1/0)'),
      value('!0 ? s : 1'),
      value('!1 && q > 2 ? s : +(2)'),
      body('let t = void 0; return void 0 === t ? s : 1;'),
      value('q < 0 ? 1 : q < 2 ? 2 : q < 6 ? 3 : 4'),
      value('(q, s)'),
      value('1e3 * s + .5 - 0x10'),
      value('~~(q / 2) + (q / 2 | 0)'),
      body('return q < 1 ? (s += 1, s) : kv && 3'),
      body('if (q < 1) return s; return s * 2'),
      value('null == undefined ? s : 1'),
      value('+(q > kv ? 1 : 0) - -s'),
      value('Number(q > kv) * 2 + Number(s) + (Boolean(q) && !Boolean(kv) ? 1 : 2)'),
      'function(s,b,h,q,kv){"use strict";var n=q-kv;return n<0&&(n=-n),s-n}',
      value('Math["max"](s, 1) + c[`n`]'),
      value('(q > kv ? c.bias[0] : q > 1 ? c.bias[1] : c.ids)[2] + s'),
      value('(q > kv ? Math.min : Math.max)(s, q) + (q > kv ? c : c).n'),
      body(
        'let n = 0; const f = (a) => (n++, a), g = (a) => 2 * a; return (q > kv ? f : g)(s) + n',
      ),
      body(
        'let t = 1, u; return [t, u = 5] = [q, void 0, kv], { x: u } = c, [[][0] = 0] = [s], s + t * u',
      ),
      body('const [t, , u = 4] = [q, 2]; return s + t * u'),
      body('{ var [t = 3] = [], [u] = [q]; } return s + t * u;'),
      body('let t; return !(q > kv) || (t = q, s > 1) || c.on && t ? s : 1'),
      body(
        'let t; if (q > kv) t = 1; s += 2; if (q > kv) s += t; return q > kv && s > 0 ? s * t : s',
      ),
      value('((q & 1 || kv & 2 || c.on || q > kv) && !0) === (q > 1) ? s : 2'),
      value('((q & 1 && kv & 2 && q > kv) || !1) === (q > 1) ? s : 2'),
      body('let t; return (t = c.missing) !== null && t !== void 0 ? t : s'),
      value('-~q + ((q > kv) ^ (kv > 1)) + (!!~q ? s : .5e1) + (~~s | 0)'),
      body('let i = 0; for (;;) { if (i >= 3) break; s += i; i++; } return s'),
      body(
        'const f = (n) => { for (let i = 0; i < 4; i++) if (i > n) return i * s; return s; }; return f(q) + f(kv)',
      ),
      value('s + +(q > kv)'),
      value('s - (q > kv)'),
      value('s + 2 * !(q > kv) + (q > kv | kv > 2) + -(q < 1) + ~(q > 1)'),
      value('(q > kv) == 1 ? s : 1 != (kv > 2) ? 3 : 4'),
      value('c.n && q > kv ? s : 1'),
      value('(s > 1) + (c.n && q > kv)'),
      body('return t = q - kv, Math.abs(t) < 3 ? s : -1/0; var t'),
      body('if (q > kv) { var t = 2; s += t } return t = 4, s * t'),
      body('var s; return s'),
      body('for (let i = 0; i < 5 && !(i >= c.n); i++) s += i; return s'),
      body('for (let i = 0; !(i > q) && i < 5; i++) s += i; return s'),
      body('let i = 0; for (; i < 5 && (s += i, s < q);) i++; return s + i'),
      body(
        'for (let i = 0; i < 4; i++) for (let j = 0; j < 4 && j <= i && j < q; j++) s += j; return s',
      ),
      body('let t = 1; return [c.ids[t = 2], q > kv && (t = 3)], void (t += 1), s + t'),
      body('q > kv ? c.n : c.on; q || c.bias; q > kv && s; return s'),
      body('const { [`n`]: t, "x": u } = c; return s + t * u'),
      body('const f = (a, b) => a; return f(s) + f(q)'),
    ])('%s', (source) => expectSame(source));
  });

  describe('truth', () => {
    it.for([
      value('q ? 1 : 2'),
      value('s && q ? 1 : 2'),
      value('!q ? 1 : 2'),
      value('!!s ? q : kv'),
      value('q || 7'),
      value('q && s'),
      value('(c.on && q > 1) === (kv > 2) ? 1 : 2'),
      value('(q > 1) !== c.on ? 1 : 2'),
      value('q == kv ? 1 : q != 5 ? 2 : 3'),
      value('c.missing ?? s'),
      value('c.n ?? s'),
      body('let t; return (t ?? 4) + s;'),
      body('const f = (a) => { if (a > 9) a = 1; }; return (f(q) ?? 3) + s;'),
      body('let t; if (q > 2) t = 1; else t = 3; return t ?? s;'),
      value('c.missing === undefined ? s : 1'),
      value('c.on ? s : c.bias[0][1]'),
    ])('%s', (source) => expectSame(source));
  });
});

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
  const { ir } = compileMod(functionOf(value(text)), declaredCaptures, { kind: 'score' });
  const { op, type, args } = ir as Node;
  // The result of a score mod is f32: an integer is converted last.
  return op === 'toF32' ? args[0]!.type : type;
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
