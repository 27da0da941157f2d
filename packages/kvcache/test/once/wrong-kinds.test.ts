import { methodOf, strangers, testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { memoryStore, PagedKvCache } from '../../src/index.ts';

it('an argument of the wrong kind is an error of heed’s, or is right', async () => {
  const gpu = await testGpu();
  const p = gpu.tensor(new Float32Array(32), { shape: [4, 1, 8] });
  const geometry = { layers: 1, kvHeads: 1, headDim: 8, pages: 8, pageSize: 4 };
  using cache = await PagedKvCache.create(gpu, geometry);
  const sequence = cache.open();
  const found = [
    await strangers(
      'create',
      methodOf(PagedKvCache, 'create'),
      [gpu, geometry],
      ['layers', 'headDim', 'pages', 'maxBytes', 'dtype', 'window', 'eviction', 'poison'],
    ),
    await strangers('open', methodOf(cache, 'open'), [{}], ['tokens', 'salt', 'priority']),
    await strangers(
      'append',
      methodOf(cache, 'append'),
      [0, [sequence], p, p, {}],
      ['cuSeqlens', 'rotary'],
    ),
    await strangers('view', methodOf(cache, 'view'), [0, [sequence]]),
    await strangers('on', methodOf(cache, 'on'), ['stored', () => {}]),
    await strangers('commit', methodOf(sequence, 'commit'), [[]]),
    await strangers('truncate', methodOf(sequence, 'truncate'), [0]),
    await strangers('save', methodOf(cache, 'save'), [memoryStore(), {}], ['signal', 'namespace']),
    await strangers('load', methodOf(cache, 'load'), [memoryStore(), {}], ['signal', 'namespace']),
  ];
  expect(found.flat()).toEqual([]);
});
