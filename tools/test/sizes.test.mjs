import { expect, test } from 'vitest';
import { sizesText } from '../lib/sizes.mjs';

test('the table of sizes names what is too large, and the target where there is one', () => {
  const text = sizesText([
    { name: '@heed/core', size: 10_412, sizeLimit: 10_500, passed: true },
    { name: '@heed/onnx without core', size: 1_260, sizeLimit: 1_100, passed: false },
  ]);
  expect(text).toMatchInlineSnapshot(`
    "import                     kB         limit  target
    @heed/core               10.4          10.5    12.0
    @heed/onnx without core   1.3  1.1 exceeded"
  `);
});
