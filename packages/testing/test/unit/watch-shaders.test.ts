import { expect, it } from 'vitest';
import { takeGpuErrors } from '../../src/gpu-errors.ts';
import { watchShaders } from '../../src/watch-shaders.ts';

const code = 'fn f() {\n  var x: f32;\n  let y = bitcast<vec2<f16>>(1u);\n}\n';

it('finds what the lints find in kernels of heed, and passes on all that is compiled', () => {
  const compiled: string[] = [];
  const createShaderModule = ({ label }: GPUShaderModuleDescriptor): GPUShaderModule => {
    compiled.push(label!);
    return { label } as GPUShaderModule;
  };
  const device = { createShaderModule } as unknown as GPUDevice;
  watchShaders(device);
  for (const label of ['heed/forward', 'another library'])
    expect(device.createShaderModule({ label, code }).label).toBe(label);
  expect(compiled).toEqual(['heed/forward', 'another library']);
  expect(takeGpuErrors().map((error) => error.message)).toEqual([
    'heed/forward: 2: var x: f32;',
    'heed/forward: 3: a bitcast to halves: bitcast<vec2<f16>>',
  ]);
});
