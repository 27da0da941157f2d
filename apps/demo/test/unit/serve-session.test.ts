import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  defaultAsked,
  defaultSettings,
  parseRemembered,
  requestsOf,
} from '../../src/serve/session/serve-settings.ts';
import { fetchShipped, Models, modelText } from '../../src/serve/session/served-model.ts';
import { initialModel, modelToFile, putModel } from '../../src/transformer/language-model.ts';
import { presets } from '../../src/transformer/model-config.ts';

const tiny = initialModel(presets.tiny, 1);

afterEach(() => vi.unstubAllGlobals());

const answer = (body: BodyInit | null, init: ResponseInit): void =>
  void vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, init)));

it('the shipped model is read from its file', async () => {
  answer(modelToFile(tiny, 'F16'), {});
  const shipped = (await fetchShipped())!;
  expect(shipped.config).toEqual(presets.tiny);
  expect(new Models(shipped).sources()).toEqual(['shipped', 'random']);
});

it.for([
  ['an error', () => answer(null, { status: 404 })],
  ['the page', () => answer('<html>', { headers: { 'content-type': 'text/html; charset=utf-8' } })],
] as const)('where the server answers with %s there is none', async ([, respond]) => {
  respond();
  expect(await fetchShipped()).toBeUndefined();
});

it('a damaged file is an error, not a missing one', async () => {
  answer(modelToFile(tiny, 'F16').slice(0, 100), {});
  await expect(fetchShipped()).rejects.toThrow(/file/);
});

it('without a shipped model random weights are offered as what they are', async () => {
  const models = new Models(undefined);
  expect(models.sources()).toEqual(['random']);
  expect(modelText(models.find('random')!)).toMatch(
    /^182,720 parameters, .*random weights, so its answers are noise\.$/,
  );
  await expect(models.serve('shipped')).rejects.toThrow('Choose another');
});

it('a model of the Train room can be served, and its weights have a name of their own', async () => {
  const models = new Models(tiny);
  const { fingerprint } = await models.serve('shipped');
  putModel({ model: initialModel(presets.tiny, 2), origin: 'trained here, 50 steps' });
  expect(models.sources()).toEqual(['shipped', 'trained', 'random']);
  const trained = await models.serve('trained');
  expect(trained.origin).toBe('trained here, 50 steps');
  expect([fingerprint, trained.fingerprint].every((x) => /^[0-9a-f]{40}$/.test(x))).toBe(true);
  expect(trained.fingerprint).not.toBe(fingerprint);
  putModel({ model: structuredClone(tiny), origin: 'the same' });
  expect((await models.serve('trained')).fingerprint).toBe(fingerprint);
});

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
