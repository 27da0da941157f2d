import { findAdapter, findMatrices } from '../lib/adapters.mjs';
import { engines } from '../lib/engines.mjs';

/**
 * Rows of the page in their order: what each shows, the test tier that runs the same way, how its adapter is found, and what the
 * conformance runner is told.
 */
export const rows = {
  gpu: {
    shows: 'a real GPU',
    tier: 'gpu',
    find: (env) => findAdapter('gpu', env),
    args: [],
  },
  lavapipe: {
    shows: 'f16, subgroups',
    tier: 'gpu-node',
    find: (env) => findAdapter('lavapipe', env),
    args: [],
  },
  minimal: {
    shows: 'no features, WebGPU’s default limits',
    tier: 'gpu-minimal',
    find: (env) => findAdapter('lavapipe', env),
    args: ['--minimal'],
  },
  swiftshader: {
    shows: 'another driver; subgroups of 4, no f16',
    tier: 'gpu-swiftshader',
    find: (env) => findAdapter('swiftshader', env),
    args: [],
  },
  chromium: {
    shows: 'the browser’s device and buffers',
    tier: 'gpu-browser',
    find: engines.chromium,
    args: ['--engine', 'chromium'],
  },
  naga: {
    shows: 'another implementation of WebGPU (wgpu) and compiler (naga)',
    tier: 'gpu-naga',
    find: engines.naga,
    args: ['--engine', 'naga'],
  },
  firefox: {
    shows: 'the same in the second browser',
    tier: 'gpu-firefox',
    find: engines.firefox,
    args: ['--engine', 'firefox'],
  },
  matrix: {
    shows: 'subgroup matrices, that path forced',
    tier: 'subgroup-matrix',
    find: findMatrices,
    args: ['--path', 'matrix', '--dtype', 'f16'],
  },
};

export const rowNames = Object.keys(rows);
