import { packageVersion } from '../package-version.ts';

/** Programs that run in a page; plain: on a device without subgroups. */
export type PagePeer = 'heed' | 'onnxruntime-web' | 'onnxruntime-web-plain' | 'jax-js' | 'tfjs';

const packages: Readonly<Record<PagePeer, string>> = {
  heed: '@heed/kernels-wgsl',
  'onnxruntime-web': 'onnxruntime-web',
  'onnxruntime-web-plain': 'onnxruntime-web',
  'jax-js': '@jax-js/jax',
  tfjs: '@tensorflow/tfjs-core',
};

/** The programs that the benchmark knows in a page; heed first. */
export const pagePeerNames = Object.keys(packages) as readonly PagePeer[];

/** What is installed of them. */
export function versionsOf(names: readonly PagePeer[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, packageVersion(packages[name])]));
}
