import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { answerTo, heldOutQuestions, QUESTIONS_SYSTEM } from '../../src/text/questions.ts';
import { uniforms } from '../../src/text/seeded-random.ts';

it.for([
  ['347 + 85 = ', '432'],
  ['0 + 0 = ', '0'],
  ['999 + 999 = ', '1998'],
  ['1994 in roman: ', 'MCMXCIV'],
  ['3999 in roman: ', 'MMMCMXCIX'],
  ['2026-12-01 is ', '1 December 2026'],
  ['heed backwards: ', 'deeh'],
] as const)('the answer to “%s” is “%s”', ([question, answer]) => {
  expect(answerTo(question)).toBe(answer);
});

it.for(['', '1000 + 1 = ', '4000 in roman: ', '2026-13-01 is ', 'Heed backwards: ', 'A page is '])(
  '“%s” is no question of a kind that the model knows',
  (text) => {
    expect(answerTo(text)).toBeUndefined();
  },
);

it('held-out questions are of all kinds in turn, and each has an answer', () => {
  const questions = heldOutQuestions(40, uniforms(3));
  expect(new Set(questions).size).toBe(40);
  for (const question of questions) expect(answerTo(question)).toBeDefined();
  expect(questions.slice(0, 4).map((text) => text.replaceAll(/[0-9a-z]+/g, 'x'))).toEqual([
    'x + x = ',
    'x x x: ',
    'x-x-x x ',
    'x x: ',
  ]);
});

it('the script that trains the model begins its prompts as the page does', () => {
  const script = readFileSync(new URL('../../scripts/train-questions.py', import.meta.url), 'utf8');
  expect(script).toContain(`SYSTEM = ${JSON.stringify(QUESTIONS_SYSTEM)}`);
});
