import { decode } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import { tokenize } from '../../src/tokens.ts';

test('tokens decode to the text they came from, and are fewer than its characters', () => {
  const text = 'const scale = 1 / Math.sqrt(headDim); // naïve, −∞ …\n';
  const { path, tokens } = tokenize({ path: 'a.ts', text });
  expect(path).toBe('a.ts');
  expect(decode(tokens)).toBe(text);
  expect(tokens.length).toBeLessThan(text.length / 2);
});

test('text that looks like a control token stays text', () => {
  const text = 'ends with <|endoftext|>';
  const { tokens } = tokenize({ path: 'a.md', text });
  expect(decode(tokens)).toBe(text);
  expect(tokens.length).toBeGreaterThan(4);
});

test('an empty document has no tokens', () => {
  expect(tokenize({ path: 'a.md', text: '' }).tokens).toHaveLength(0);
});
