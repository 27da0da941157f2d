import { describe, expect, it } from 'vitest';
import { parseRemembered } from '../../src/serve/remembered.ts';
import { requestsOf } from '../../src/serve/requests.ts';
import { defaultAsked, defaultSettings } from '../../src/serve/settings.ts';

describe('requests', () => {
  const settings = { count: 8, branches: 2 };

  it('begin with the boundary and the system prompt, and end at a boundary', () => {
    expect(requestsOf({ system: 'AB', prompts: ['C', 'é'] }, settings, 64)).toEqual([
      { id: 'A', prompt: [0, 65, 66, 67], count: 8, branches: 2, end: 0 },
      { id: 'B', prompt: [0, 65, 66, 0xc3, 0xa9], count: 8, branches: 2, end: 0 },
    ]);
  });

  it('fit into the context with their answers, or say which does not', () => {
    const asked = { system: 'AB', prompts: ['C', 'four'] };
    expect(requestsOf(asked, settings, 15)).toHaveLength(2);
    expect(() => requestsOf(asked, settings, 14)).toThrow(
      'Prompt B with its answer is 15 tokens long, and the model reads 14.',
    );
  });
});

describe('what the browser has kept', () => {
  const kept = { settings: defaultSettings, asked: defaultAsked };
  const parsed = (change: object) => parseRemembered(JSON.stringify({ ...kept, ...change }));

  it('comes back', () => {
    expect(parsed({})).toEqual(kept);
    expect(parseRemembered(null)).toBeUndefined();
  });

  it.for([
    ['choices that are no more', { settings: { ...defaultSettings, pages: 7 } }],
    ['another model', { settings: { ...defaultSettings, source: 'other' } }],
    ['prompts that are no text', { asked: { system: '', prompts: [1] } }],
    ['no prompts', { asked: { system: '', prompts: [] } }],
    ['no settings', { settings: undefined }],
  ])('is left alone where it has %s', ([, change]) => {
    expect(parsed(change as object)).toBeUndefined();
  });
});
