import { describe, expect, it } from 'vitest';
import { numberedSource, wgsl } from '../../src/text/wgsl.ts';

describe('wgsl', () => {
  it('removes the common indent, and the first and last line if blank', () => {
    expect(wgsl`
      fn f() {
        g();
      }
    `).toBe('fn f() {\n  g();\n}');
  });

  it('takes one line as it is', () => {
    expect(wgsl`let x = ${1}u;`).toBe('let x = 1u;');
  });

  it.each([[false], [null], [undefined], [''], [[]], [[false, [undefined, '']]]])(
    'drops a line that holds only %j',
    (empty) => {
      expect(wgsl`
      a
        ${empty}
      b
    `).toBe('a\nb');
    },
  );

  it('keeps a line that holds more than an empty part, and lines that are blank by themselves', () => {
    expect(wgsl`
      a(${false});

      b
    `).toBe('a();\n\nb');
  });

  it('drops a line of several empty parts', () => {
    expect(wgsl`
      a
      ${false}${''}
      b
    `).toBe('a\nb');
  });

  it('writes 0 and true', () => {
    expect(wgsl`${0} ${true}`).toBe('0 true');
  });

  it('joins arrays by newlines at the indent of their line', () => {
    expect(wgsl`
      {
        ${['a', false, ['b', 'c']]}
      }
    `).toBe('{\n  a\n  b\n  c\n}');
  });

  it('indents every line of a nested block, and leaves its blank lines empty', () => {
    const inner = wgsl`
      loop {
        x();

        y();
      }
    `;
    expect(wgsl`
      fn f() {
        ${inner}
      }
    `).toBe('fn f() {\n  loop {\n    x();\n\n    y();\n  }\n}');
  });

  it('does not let a part with less indent change the dedent', () => {
    expect(wgsl`
        a
        ${'b\nc'}
    `).toBe('a\nb\nc');
  });

  it('counts a line that begins with a part', () => {
    expect(wgsl`
      ${'a'} = 1;
        b
    `).toBe('a = 1;\n  b');
  });
});

describe('numberedSource', () => {
  it('numbers from 1, aligned', () => {
    const text = Array.from({ length: 10 }, (_, i) => (i === 1 ? '' : `line`)).join('\n');
    const lines = numberedSource(text).split('\n');
    expect(lines[0]).toBe(' 1 | line');
    expect(lines[1]).toBe(' 2 |');
    expect(lines[9]).toBe('10 | line');
  });
});
