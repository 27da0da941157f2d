import { describe, expect, it } from 'vitest';
import { nagaGaps } from '../../src/naga-gaps.ts';

const inFunction = (statement: string): string =>
  `fn helper(p: ptr<function, u32>, i: u32) {}\nfn f() {\n  ${statement}\n}\n`;

describe('nagaGaps', () => {
  it.for([
    ['requires unrestricted_pointer_parameters;', '1: a language feature is required'],
    ['fn f(p: ptr<storage, array<u32>, read>) {}', '1: a pointer to a buffer or to workgroup'],
    ['fn f(i: u32, p: ptr<workgroup, u32>) {}', '1: a pointer to a buffer or to workgroup'],
    [inFunction('v.xy = vec2(1.0);'), '3: a swizzle is assigned to: .xy ='],
    [inFunction('v[i].rgb += x;'), '3: a swizzle is assigned to: .rgb +='],
    [inFunction('let h = bitcast<vec2<f16>>(bits).x;'), '3: a bitcast to halves'],
    [inFunction('let h = bitcast<vec4h>(bits);'), '3: a bitcast to halves'],
    [inFunction('let w = bitcast<u32>(vec2<f16>(a, b));'), '3: a bitcast of halves'],
    [inFunction('let w = bitcast<vec2<u32>>(vec4h(x));'), '3: a bitcast of halves'],
    [inFunction('helper(&tile[i], 0u);'), '3: a pointer to a part as an argument: &tile[i]'],
    [inFunction('helper(max(a, b), &row.sum);'), '3: a pointer to a part as an argument: &row.sum'],
    [inFunction('helper(\n    &tile[max(i, 1u)],\n    0u);'), '4: a pointer to a part'],
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
    expect(nagaGaps(inFunction(statement))).toEqual([]);
  });
});
