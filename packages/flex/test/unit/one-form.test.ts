import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { body, declared, value } from '../programs/same.ts';
import { functionOf } from '../programs/world.ts';

const hashOf = (source: string): string =>
  compileMod(functionOf(source), declared, { kind: 'score' }).hash;

describe('what minifiers turn into one another is one program', () => {
  it.for([
    [value('q > kv ? 1 : 0'), value('+(q > kv)')],
    [value('q > kv ? 0 : 1'), value('+!(q > kv)')],
    [value('s + (q > kv ? 0.5 : 0)'), value('s + .5 * !!(q > kv)')],
    [value('q > kv ? 3 : 1'), value('1 + 2 * (q > kv)')],
    [value('s !== s ? 0 : s'), value('s === s ? s : 0')],
    [value('!(q >= kv) ? s : 0'), value('q >= kv ? 0 : s')],
    [value('q > kv ? (s > 1 ? s : 2) : 2'), value('q > kv && s > 1 ? s : 2')],
    [value('q > kv ? (s > 1 ? 2 : s) : 2'), value('q > kv && !(s > 1) ? s : 2')],
    [value('q > kv ? s : q > 1 ? s : 2'), value('q > kv || q > 1 ? s : 2')],
    [value('q > kv ? s : q > 1 ? 2 : s'), value('q > kv || !(q > 1) ? s : 2')],
    [value('q > kv ? (q > kv ? s : 1) : q > kv ? 3 : 2.5'), value('q > kv ? s : 2.5')],
    [value('q > 1 && (kv > 1 && h > 1) ? s : 2'), value('q > 1 && kv > 1 && h > 1 ? s : 2')],
    [value('q > 1 || kv > 1 || q > 1 ? s : 2'), value('q > 1 || kv > 1 ? s : 2')],
    [value('!(q > 1) === kv > 1 ? s : 2'), value('q > 1 !== kv > 1 ? s : 2')],
    [value('c.on === false ? s : 2'), value('c.on ? 2 : s')],
    [
      body('if (q > 1) return s; else if (s > 2) return 5; return s * 2;'),
      value('q > 1 ? s : s > 2 ? 5 : s * 2'),
    ],
    [
      body('if (!(q > 1)) return s; if (s > 2) return 5; return s * 2;'),
      value('q > 1 ? s > 2 ? 5 : s * 2 : s'),
    ],
    [
      body('for (let i = 0; i < 4; i++) { if (i >= c.n) break; s += i; } return s;'),
      body('for (let i = 0; i < 4 && !(i >= c.n); i++) s += i; return s;'),
    ],
    [
      body('let n = 0; if (q > 1) n++; if (kv > 1) n += 2; return s + n;'),
      body('let n = 0; return q > 1 && n++, kv > 1 && (n += 2), s + n;'),
    ],
  ])('%s', ([one, other]) => {
    expect(hashOf(one!)).toBe(hashOf(other!));
  });

  it('zeros keep their signs', () => {
    const { js } = compileMod(functionOf(value('-0.5 * (q > kv ? 1 : 0)')), declared);
    expect([js(0, 0, 0, 1, 0), js(0, 0, 0, 0, 1)]).toEqual([-0.5, -0]);
  });
});
