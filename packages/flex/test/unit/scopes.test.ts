import { describe, it } from 'vitest';
import { body, expectSame, value } from '../programs/same.ts';

describe('names mean what they mean in JavaScript', () => {
  describe('parameters and scopes', () => {
    it.for([
      '(s, b, h, q, kv, { n, x }) => s + n * x',
      '(s, b, h, q, kv, { n: count, x: factor = 9, missing = 4 }) => s + count * factor + missing',
      '(s, b, h, q, kv, { "n": count }, { qLen, kvLen: keys }) => count + qLen - keys',
      '(s, b, h, q, kv, c, { qRow = 5, kvRow }) => qRow - kvRow',
      'function (s, b, h, q, kv, c) { return s + c["n"]; }',
      'function named(s, b, h, q, kv, c) { return s + c.n; }',
      '({ method(s, b, h, q, kv, c) { return s + c.n; } }).method',
      'new (class { #hidden(s, b, h, q, kv, c) { return s + c.n; } get it() { return this.#hidden; } })().it',
      body('const { n, x: y } = c; return n - y;'),
      body('const { floor, max: most, PI } = Math; return floor(most(s, PI));'),
      body('{ let s = 1; s += q; } return s;'),
      body('let t = s; if (q > 2) { let t = 5; t++; } return t;'),
      body('var t = 1; if (q > kv) { var t = 2; } return s + t;'),
      body('let t; if (q > kv) t = 1; else t = 2; return t + s;'),
      body('return twice(s) + 1; function twice(a) { return a * 2; }'),
      body('const f = (a, b = a + 1) => a * b; return f(q) + f(kv, 2);'),
      body('const add = (a) => (b) => a + b; return add(q)(kv);'),
      body('let t = 0; const bump = (by) => { t += by; }; bump(q); bump(kv); return t;'),
      value('c.twice(q) + c.limit(q - kv, c)'),
      body('const { twice } = c; return twice(twice(s));'),
      body('if (q > kv) s = c.twice(s); return s;'),
    ])('%s', (source) => expectSame(source));
  });

  describe('closures', () => {
    it.for([
      body(
        'let t = 0; const f = (a) => { if (a > 2) return 1; t += 1; return 2; }; f(q); return t;',
      ),
      body(
        'let t = 0; const f = (a) => { if (a > 2) { t += 5; return 1; } t += 1; return 2; }; const r = f(q) + f(kv); return t * 10 + r;',
      ),
      body(
        'let t = 0; const f = (a) => { for (let i = 0; i < 4; i++) { if (i > a) return t; t += i; } return -1; }; const r = f(q); return t * 10 + r;',
      ),
      body('let t = 2; const f = (a) => { if (a > 2) return; t = a; }; f(q); return t;'),
      body('let t = 0; const f = () => (t += 1); return q > 1 && f() > 0 ? t : t - 5;'),
      body('let t = 0; const f = () => { t += 1; return t; }; return f() * 100 + f() * 10 + f();'),
      body('const f = (a) => () => a; const x = f(1), y = f(2); return x() * 10 + y();'),
      body('let f; for (let i = 0; i < 3; i++) { if (i === 1) f = () => i; } return f();'),
      body('let t = 5; const f = () => { let t = 1; t += q; return t; }; return f() + t;'),
      value('q > 2 ? (() => { if (kv > 1) return 1; return 2; })() : 3'),
    ])('%s', (source) => expectSame(source));
  });
});
