import { expect, test } from 'vitest';
import { packageVersion } from '../../src/package-version.ts';

test('finds versions also of packages that hide their package.json', () => {
  expect(packageVersion('@jax-js/jax')).toMatch(/^\d+\.\d+\.\d+$/);
  expect(packageVersion('@heed/kernels-wgsl')).toMatch(/^\d+\.\d+\.\d+$/);
});

test('throws on a package that is not installed', () => {
  expect(() => packageVersion('@heed/no-such-package')).toThrow('@heed/no-such-package');
});
