import type { Gpu } from '@heed/core';
import { holds, sameBits } from '../../budget/output-checks.ts';
import { download, Scope, uploadArray } from '../../problems/case-tensors.ts';
import { recordOutput } from '../../problems/output-hashes.ts';
import { generate } from '../../reference/nd-array.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';

// Node has no GPUBufferUsage and GPUMapMode; https://www.w3.org/TR/webgpu/#namespacedef-gpubufferusage.
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const STORAGE = 0x80;

/** A variable declared in a loop of three iterations and incremented four times in each. */
const shader = (declaration: string): string => `
@group(0) @binding(0) var<storage, read> turns: array<u32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@compute @workgroup_size(1) fn main() {
  var last = 0.0;
  for (var k = 0u; k < turns[0]; k++) {
    ${declaration}
    for (var i = 0u; i < 4u; i++) { x += 1.0; }
    last = x;
  }
  result[0] = last;
}`;

async function lastValue(gpu: Gpu, declaration: string): Promise<number> {
  const { device } = gpu;
  const buffer = (label: string, usage: number): GPUBuffer =>
    device.createBuffer({ label: `canary ${label}`, size: 4, usage });
  const turns = buffer('turns', STORAGE | COPY_DST);
  const result = buffer('result', STORAGE | COPY_SRC);
  const staging = buffer('staging', MAP_READ | COPY_DST);
  try {
    device.queue.writeBuffer(turns, 0, new Uint32Array([3]));
    const module = device.createShaderModule({
      label: `canary ${declaration}`,
      code: shader(declaration),
    });
    const pipeline = device.createComputePipeline({
      label: 'canary',
      layout: 'auto',
      compute: { module },
    });
    const entries = [turns, result].map((b, binding) => ({ binding, resource: { buffer: b } }));
    const group = device.createBindGroup({
      label: 'canary',
      layout: pipeline.getBindGroupLayout(0),
      entries,
    });
    const encoder = device.createCommandEncoder({ label: 'canary' });
    const pass = encoder.beginComputePass({ label: 'canary' });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(result, 0, staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const read = new Float32Array(staging.getMappedRange().slice(0));
    recordOutput(gpu, 'last', read);
    return read[0]!;
  } finally {
    for (const b of [turns, result, staging]) b.destroy();
  }
}

/**
 * WGSL zeroes `var x: f32;` each time its declaration is reached; Dawn's Vulkan output zeroes it once per function. Records whether
 * this adapter has the fault (4 is right, 12 is the fault), and checks the form that all generated WGSL uses.
 */
const canaryCases: readonly RunnableCase[] = defineCase('canary', 'variable-in-a-loop', {
  dtypes: ['f32'],
  tags: ['browser'],
  async run(gpu) {
    const bare = await lastValue(gpu, 'var x: f32;');
    const initialised = await lastValue(gpu, 'var x: f32 = 0.0;');
    const note =
      bare === 4
        ? 'A bare `var x: f32;` in a loop is zeroed at each turn: this adapter does not show the compiler fault.'
        : `A bare \`var x: f32;\` in a loop keeps its value (${bare}, not 4): this adapter shows the compiler fault.`;
    return {
      checks: [
        holds('`var x: f32 = 0.0;` in a loop', initialised === 4, `gives ${initialised}, not 4`),
      ],
      note,
    };
  },
});

const reads = 10;

/** Each read returns the data written just before. Records the time, which does not affect the result. */
const readCases: readonly RunnableCase[] = defineCase('reads', 'ten-in-a-row', {
  dtypes: ['f32'],
  tags: ['browser'],
  async run(gpu, dtype) {
    const scope = new Scope(gpu);
    try {
      const checks = [];
      const started = performance.now();
      for (let n = 0; n < reads; n++) {
        const want = generate([64], (i) => 64 * n + i);
        checks.push(sameBits(`read ${n}`, await download(uploadArray(scope, want, dtype)), want));
      }
      const ms = performance.now() - started;
      return { checks, note: `${reads} reads in a row: ${ms.toFixed(0)} ms` };
    } finally {
      scope.dispose();
    }
  },
});

/** Cases of the adapter itself: a known compiler fault, and reads. */
export const adapterCases: readonly RunnableCase[] = [...canaryCases, ...readCases];
