import { describe, expect, it } from 'vitest';
import { takeGpuErrors, watchShaders } from '../../src/test-gpu.ts';
import { bareVars, nagaGaps, unpairedBracket, untidiness } from '../../src/wgsl-lint.ts';

const inFunction = (statement: string): string => `fn f() {\n  ${statement}\n}\n`;

describe('bareVars', () => {
  it.for([
    'var x: f32;',
    'var x: array<vec4<f32>, 4>;',
    'var<function> x: u32;',
    'for (var i: u32; i < 4u; i++) { }',
    'if (true) { var x: Row; }',
    'let a = 1; var b: f32; let c = 2;',
  ])('finds %s', (statement) => {
    expect(bareVars(inFunction(statement))).toHaveLength(1);
  });

  it.for([
    'var x = 0.0;',
    'var x: f32 = 0.0;',
    'var x = array<vec4<f32>, 4>();',
    'for (var i = 0u; i < 4u; i++) { }',
    'let variable = 1; // var x: f32;',
    '/* var x: f32; */',
  ])('passes %s', (statement) => {
    expect(bareVars(inFunction(statement))).toEqual([]);
  });

  it('exempts module scope, and only that', () => {
    const code = `
var<workgroup> tile: array<f32, 64>;
var<private> seed: u32;
@group(0) @binding(0) var<storage, read> q: array<f32>;
struct Row { x: f32 }
fn f() {
  if (true) {
    var y = 1;
  }
  var x: f32;
}
var<workgroup> other: u32;`;
    expect(bareVars(code)).toEqual(['10: var x: f32;']);
  });
});

describe('unpairedBracket', () => {
  it.for([
    ['fn f() { return a[(1 + 2)]; }', undefined],
    ['fn f() { // }\n}', undefined],
    ['fn f() { ', '{'],
    ['fn f() { } }', '}'],
    ['fn f( { )', ')'],
  ] as const)('of %s is %s', ([code, bracket]) => {
    expect(unpairedBracket(code)).toBe(bracket);
  });
});

describe('untidiness', () => {
  it.for([
    'fn f() {\n return;\n}\n',
    'fn f() {\n  return; \n}\n',
    'fn f() {}\n\n\nfn g() {}\n',
    'fn f() {\n\n  return;\n}\n',
    'fn f() {\n  return;\n\n}\n',
    'const x = undefined;\n',
    'const x = y + 0u;\n',
    'const x = 8u * 1u;\n',
    'const x = max((a - b), c);\n',
    'const x = 1;;\n',
    'const x = 1;',
    'const x = 1;\n\n',
  ])('sees that in %j', (code) => {
    expect(untidiness(code)).toHaveLength(1);
  });

  it('lets a page of good WGSL pass', () => {
    const code = [
      'const X = 1.0;',
      '',
      '// f (of x)',
      'fn f(a: f32) -> f32 {',
      '  return Row(',
      '    a + 0.5, (a + 1.0) * 10.0,',
      '  );',
      '}',
      '',
    ].join('\n');
    expect(untidiness(code)).toEqual([]);
  });
});

const withHelper = (statement: string): string =>
  `fn helper(p: ptr<function, u32>, i: u32) {}\nfn f() {\n  ${statement}\n}\n`;

describe('nagaGaps', () => {
  it.for([
    ['requires unrestricted_pointer_parameters;', '1: a language feature is required'],
    ['fn f(p: ptr<storage, array<u32>, read>) {}', '1: a pointer to a buffer or to workgroup'],
    ['fn f(i: u32, p: ptr<workgroup, u32>) {}', '1: a pointer to a buffer or to workgroup'],
    [withHelper('v.xy = vec2(1.0);'), '3: a swizzle is assigned to: .xy ='],
    [withHelper('v[i].rgb += x;'), '3: a swizzle is assigned to: .rgb +='],
    [withHelper('let h = bitcast<vec2<f16>>(bits).x;'), '3: a bitcast to halves'],
    [withHelper('let h = bitcast<vec4h>(bits);'), '3: a bitcast to halves'],
    [withHelper('let w = bitcast<u32>(vec2<f16>(a, b));'), '3: a bitcast of halves'],
    [withHelper('let w = bitcast<vec2<u32>>(vec4h(x));'), '3: a bitcast of halves'],
    [withHelper('helper(&tile[i], 0u);'), '3: a pointer to a part as an argument: &tile[i]'],
    [withHelper('helper(max(a, b), &row.sum);'), '3: a pointer to a part as an argument: &row.sum'],
    [withHelper('helper(\n    &tile[max(i, 1u)],\n    0u);'), '4: a pointer to a part'],
  ])('finds %j', ([code, finding]) => {
    expect(nagaGaps(code!)).toEqual([expect.stringContaining(finding!)]);
  });

  it.for([
    'let same = v.xy == w.xy;',
    'v.x = 1.0;',
    'let s = v.xyz;',
    'let b = bitcast<u32>(x) & bitcast<u32>(y[0]);',
    'let h = f16(unpack2x16float(bits).x);',
    'helper(&own, a & b[i]);',
    'if (helper(x) && y[0]) { }',
    'atomicAdd(&counts[i], 1u);',
    'let l = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&tile, 0, 8);',
    'let n = arrayLength(&buffers.q);',
    '// v.xy = bitcast<vec2<f16>>(bits); helper(&tile[0], 0u);',
  ])('passes %s', (statement) => {
    expect(nagaGaps(withHelper(statement))).toEqual([]);
  });
});

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
