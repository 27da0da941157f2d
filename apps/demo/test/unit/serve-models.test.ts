import { afterEach, expect, it, vi } from 'vitest';
import { fetchShipped, Models, modelText } from '../../src/serve/model/served-model.ts';
import { presets } from '../../src/transformer/config.ts';
import { modelToFile } from '../../src/transformer/model-file.ts';
import { initialModel } from '../../src/transformer/model.ts';
import { putModel } from '../../src/transformer/shelf.ts';

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
