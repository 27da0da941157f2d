import { encodeText } from './corpus.ts';

/** The beginning of all prompts of the shipped model, which the page offers; it answers without it as well. */
export const QUESTIONS_SYSTEM = 'Sums, roman numerals, dates, and words spelled backwards.\n';

const months =
  'January February March April May June July August September October November December'.split(
    ' ',
  );

const numerals = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
] as const;

function roman(n: number): string {
  let [text, left] = ['', n];
  for (const [value, letters] of numerals) {
    text += letters.repeat(Math.floor(left / value));
    left %= value;
  }
  return text;
}

/** A kind of question that the shipped model was trained on. scripts/train-questions.py has the same kinds. */
interface Kind {
  readonly pattern: RegExp;
  /** Returns the answer to a question, given what the pattern has captured. */
  readonly answer: (...captured: string[]) => string;
  readonly question: (uniform: () => number) => string;
}

const below = (n: number, uniform: () => number): number => Math.floor(n * uniform());

const kinds: readonly Kind[] = [
  {
    pattern: /^(\d{1,3}) \+ (\d{1,3}) = $/,
    answer: (a, b) => String(Number(a) + Number(b)),
    question: (uniform) => `${below(1000, uniform)} + ${below(1000, uniform)} = `,
  },
  {
    pattern: /^([1-9]\d{0,2}|[123]\d{3}) in roman: $/,
    answer: (n) => roman(Number(n)),
    question: (uniform) => `${1 + below(3999, uniform)} in roman: `,
  },
  {
    pattern: /^((?:19|20)\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) is $/,
    answer: (year, month, day) => `${Number(day)} ${months[Number(month) - 1]} ${year}`,
    question: (uniform) => {
      const two = (n: number): string => String(n).padStart(2, '0');
      const date = [1900 + below(200, uniform), 1 + below(12, uniform), 1 + below(28, uniform)];
      return `${date.map(two).join('-')} is `;
    },
  },
  {
    pattern: /^([a-z]{2,8}) backwards: $/,
    answer: (word) => Array.from(word).toReversed().join(''),
    question: (uniform) => {
      const letters = Array.from({ length: 2 + below(7, uniform) }, () => 97 + below(26, uniform));
      return `${String.fromCharCode(...letters)} backwards: `;
    },
  },
];

/** Returns the right answer to a question of a kind that the shipped model knows; undefined for any other text. */
export function answerTo(question: string): string | undefined {
  for (const { pattern, answer } of kinds) {
    const found = pattern.exec(question);
    if (found) return answer(...found.slice(1));
  }
  return undefined;
}

/** Whether the shipped model has never been trained on a question: a tenth of all, by FNV-1a of its bytes. */
function isHeldOut(question: string): boolean {
  let hash = 0x811c9dc5;
  for (const byte of encodeText(question)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % 10 === 0;
}

/** Returns questions that the shipped model has never seen, of all kinds in turn. */
export function heldOutQuestions(count: number, uniform: () => number): string[] {
  return Array.from({ length: count }, (_, i) => {
    for (;;) {
      const question = kinds[i % kinds.length]!.question(uniform);
      if (isHeldOut(question)) return question;
    }
  });
}
