import { describe, expect, it } from 'vitest';
import { bareVars, unpairedBracket, untidiness } from '../../src/wgsl-text.ts';

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
