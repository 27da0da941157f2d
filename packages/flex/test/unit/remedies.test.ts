import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { load, moduleOf } from '../programs/loaded.ts';
import { type Minifier, minifiers } from '../programs/minifiers.ts';
import * as refusals from '../programs/refusals.ts';
import { remedies } from '../programs/remedies.ts';
import { functionOf } from '../programs/world.ts';

const { captures } = refusals;
const rows = Object.values(refusals)
  .filter((all): all is readonly refusals.Row[] => Array.isArray(all))
  .flat();

function remedyFor(source: string): string {
  try {
    compileMod(functionOf(`(${source})`), captures);
  } catch (error) {
    return (error as Error).message.split('\n').at(-1)!;
  }
  throw new Error(`${source} is not refused`);
}

describe('what an error says to write instead', () => {
  it('has been tried for every error', () => {
    const said = [...new Set(rows.map(([source]) => remedyFor(source)))];
    const untried = said.filter((remedy) => !remedies.some(([says]) => says.test(remedy)));
    expect(untried).toEqual([]);
    const never = remedies.filter(([says]) => !said.some((remedy) => says.test(remedy)));
    expect(never.map(([says]) => String(says))).toEqual([]);
  });

  const sources = remedies.map(([, source]) => source);
  const plain: Minifier = (code) => code;
  it.for(Object.entries({ plain, ...minifiers }))('compiles, %s', async ([, shrink]) => {
    const mods = await load(await shrink(moduleOf(sources)));
    for (const [i, source] of sources.entries()) {
      const compile = (): unknown => compileMod(mods[`m${i}`]!, captures, { kind: 'score' });
      expect(compile, `${source}\n${String(mods[`m${i}`])}`).not.toThrow();
    }
  });
});
