import { isFullRun } from '@heed/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { type JsMod, jsMod } from '../../src/text/compile/compile-mod.ts';
import { compileResolved } from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { body, declaredCaptures, value } from '../programs/expect-same.ts';
import { load, minifiers, moduleOf, settings } from '../programs/minifiers.ts';
import { argumentsOf, captureValues, declared, functionOf, pairs } from '../programs/world.ts';
import { functions, writtenMod } from '../programs/written-mods.ts';

const source = `
export const relative = (score, b, h, q, kv) => score + (q - kv);
export const causal = (score, b, h, q, kv) => (q >= kv ? score : -Infinity);
export const biased = (score, b, h, q, kv, { bias, strength }) => score + strength * bias[h][q];
export function clipped(score, b, h, q, kv, c) {
  const distance = Math.abs(q - kv);
  if (distance > c.strength) return -Infinity;
  let sum = score;
  for (let i = 0; i < 3; i++) sum += c.bias[h][i];
  return sum;
}
export const both = (score, b, h, q, kv, c, info) => {
  const late = q > info.kvLen / 2 && !(kv === 0);
  return late ? score * 2 : score;
};`;

const captures = { bias: { dtype: 'f32', shape: [4, 8] }, strength: 3 };

describe.for(Object.entries({ ...minifiers, ...settings }))('after %s', ([, shrink]) => {
  it('a mod compiles to the same program', async () => {
    const [plain, small] = await Promise.all([load(source), load(await shrink(source))]);
    const hashes = (mods: typeof plain): Record<string, string> =>
      Object.fromEntries(
        Object.entries(mods).map(([name, mod]) => [name, compileMod(mod, captures).hash]),
      );
    expect(Object.keys(small).length).toBe(5);
    expect(hashes(small)).toEqual(hashes(plain));
  });
});

type Kind = 'score' | 'mask';
// In the full run also at other settings.
const tries = { numRuns: isFullRun() ? 1000 : 30, seed: 1 };
const tried = isFullRun() ? { ...minifiers, ...settings } : minifiers;
/** A module's functions; some minifiers take much longer over larger ones. */
const CHUNK = 100;
const [values] = fc.sample(captureValues, { ...tries, numRuns: 1 });
const somePairs = fc.sample(pairs, { ...tries, numRuns: 12 });

function compiled(mod: Function, kind: Kind): JsMod {
  const resolution = resolve('compileMod', mod, { ...declared(values!), ...functions });
  return jsMod(compileResolved('compileMod', resolution, kind), resolution);
}

describe.each<Kind>(['score', 'mask'])('%s mods as people write them', (kind) => {
  const all = fc.sample(writtenMod(kind), tries);
  const texts = all.filter((text) => refusal(functionOf(text), kind) === '');
  const chunks = Array.from({ length: Math.ceil(texts.length / CHUNK) }, (_, i) =>
    texts.slice(i * CHUNK, (i + 1) * CHUNK),
  );

  it('are in the language as they stand', () => {
    expect(texts.length).toBeGreaterThan(all.length * 0.9);
  });

  it.for(Object.entries(tried))(
    'compile after %s, and mean the same',
    { timeout: 600_000 },
    async ([, shrink]) => {
      for (const chunk of chunks) {
        const mods = await load(await shrink(moduleOf(chunk)));
        chunk.forEach((text, i) => expectSame(text, mods[`m${i}`]!, kind));
      }
    },
  );
});

function expectSame(text: string, minified: Function, kind: Kind): void {
  const said = `${text}\n${String(minified)}`;
  expect(refusal(minified, kind), said).toBe('');
  const [want, got] = [functionOf(text), minified].map((mod) => {
    const js = compiled(mod, kind);
    return somePairs.map((pair) => js(...argumentsOf(kind, values!, pair)));
  });
  // Which zero it is depends on where a minus stands, and integers have one only.
  const isSame = got!.every((result, at) => result === want![at]);
  expect(isSame, `${said}\n${got!.join()}\n${want!.join()}`).toBe(true);
}

function refusal(mod: Function, kind: Kind): string {
  try {
    compiled(mod, kind);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

const hashOf = (text: string): string =>
  compileMod(functionOf(text), declaredCaptures, { kind: 'score' }).hash;

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
    const { js } = compileMod(functionOf(value('-0.5 * (q > kv ? 1 : 0)')), declaredCaptures);
    expect([js(0, 0, 0, 1, 0), js(0, 0, 0, 0, 1)]).toEqual([-0.5, -0]);
  });
});
