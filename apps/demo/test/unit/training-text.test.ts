import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bigramOf, bitsPerByte } from '../../src/text/bigram.ts';
import {
  BOUNDARY,
  byteCount,
  corpusOf,
  decodeText,
  encodeText,
  splitDocuments,
} from '../../src/text/corpus.ts';
import { docsText } from '../../src/text/docs-text.ts';
import { batchOf, lengthOf, packRows, samplesOf } from '../../src/text/packing.ts';
import { layouts } from '../../src/train/model/packing-comparison.ts';

const documents = fc.array(fc.uint8Array({ min: 1, minLength: 1, maxLength: 70 }), {
  minLength: 1,
  maxLength: 30,
});

describe('bytes', () => {
  it('go there and back, without the character that is the boundary', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeText(encodeText(text))).toBe(text.replaceAll('\0', ''));
      }),
    );
    expect([...encodeText('a\0é')]).toEqual([97, 195, 169]);
  });

  it('that end within a character are shown as such', () => {
    expect(decodeText(Uint8Array.of(97, 195))).toBe('a\uFFFD');
  });
});

describe('documents', () => {
  it('are paragraphs; headings go with what follows, and fences stay whole', () => {
    const text =
      '# A\n\nfirst\nline\n\n\nsecond\r\n\r\n```\nx\n\n# no heading\n```\n\n## B\n### C\n\nlast';
    expect(splitDocuments(text)).toEqual([
      '# A\n\nfirst\nline\n',
      'second\n',
      '```\nx\n\n# no heading\n```\n',
      '## B\n### C\n\nlast\n',
    ]);
  });

  it('of blank lines there are none', () => {
    expect(splitDocuments(' \n\n\t\n')).toEqual([]);
  });
});

describe('a corpus', () => {
  it('holds out every tenth document', () => {
    const text = Array.from({ length: 25 }, (_, i) => `${i} ${'x'.repeat(100)}`).join('\n\n');
    const { train, heldOut } = corpusOf(text);
    expect(heldOut.map((document) => decodeText(document).split(' ')[0])).toEqual(['9', '19']);
    expect(train).toHaveLength(23);
  });

  it('of few documents holds out the end of each', () => {
    const { train, heldOut } = corpusOf('abcdefghi '.repeat(300));
    expect(train.map(({ length }) => length)).toEqual([2700]);
    expect(byteCount(train) + byteCount(heldOut)).toBe(3000);
  });

  it('of too little text is refused', () => {
    expect(() => corpusOf('short')).toThrow('This text has 6 bytes; training wants 2000 or more.');
  });

  it('of heed’s documentation is there', () => {
    const { train, heldOut } = corpusOf(docsText());
    expect(byteCount(train)).toBeGreaterThan(100_000);
    expect(byteCount(heldOut)).toBeGreaterThan(10_000);
  });
});

describe('samples', () => {
  it('tell each byte of a document and its end once, from the byte before', () => {
    fc.assert(
      fc.property(documents, fc.integer({ min: 1, max: 80 }), ([document], context) => {
        const samples = samplesOf(document!, context);
        expect(samples.flatMap(({ tokens }) => [...tokens.subarray(1)])).toEqual([
          ...document!,
          BOUNDARY,
        ]);
        expect(samples.flatMap(({ tokens }) => [...tokens.subarray(0, -1)])).toEqual([
          BOUNDARY,
          ...document!,
        ]);
        for (const sample of samples) expect(lengthOf(sample)).toBeLessThanOrEqual(context);
      }),
    );
  });
});

describe('packing', () => {
  it('loses no sample, and a row never takes more than it holds', () => {
    fc.assert(
      fc.property(documents, (given) => {
        const samples = given.flatMap((document) => samplesOf(document, 64));
        const rows = packRows(samples, 64);
        expect(new Set(rows.flat())).toEqual(new Set(samples));
        expect(rows.flat()).toHaveLength(samples.length);
        const used = rows.map((row) => row.reduce((sum, sample) => sum + lengthOf(sample), 0));
        for (const tokens of used) expect(tokens).toBeLessThanOrEqual(64);
        // First fit would have merged two half-empty rows.
        expect(used.filter((tokens) => tokens <= 32).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('lays samples out with documents, positions and what follows', () => {
    const [ab, c] = ['ab', 'c'].map((text) => samplesOf(encodeText(text), 8)[0]!);
    const batch = batchOf([[ab!, c!], [c!]], 6);
    expect([...batch.ids]).toEqual([0, 97, 98, 0, 99, 0, 0, 99, 0, 0, 0, 0]);
    expect([...batch.targets]).toEqual([97, 98, 0, 99, 0, 0, 99, 0, 0, 0, 0, 0]);
    expect([...batch.documents]).toEqual([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 4, 4]);
    expect([...batch.positions]).toEqual([0, 1, 2, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
    expect([...batch.isText]).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0]);
    expect(batch.tokens).toBe(7);
  });

  it('computes the same text with less padding', () => {
    const samples = corpusOf(docsText()).heldOut.flatMap((document) => samplesOf(document, 1024));
    const { packed, padded } = layouts(samples, { rows: 4, length: 1024 });
    const tokens = samples.reduce((sum, sample) => sum + lengthOf(sample), 0);
    for (const { batches } of [packed, padded]) {
      expect(batches.reduce((sum, batch) => sum + batch.tokens, 0)).toBe(tokens);
    }
    expect(packed.computed).toBeLessThan(1.25 * tokens);
    expect(padded.computed).toBeGreaterThan(1.25 * packed.computed);
  });
});

describe('a bigram model', () => {
  const text = (...texts: string[]): Uint8Array[] => texts.map(encodeText);

  it('is a distribution after every byte, seen or not', () => {
    const bigram = bigramOf(text('abracadabra', 'banana'));
    for (const previous of [0, 97, 98, 200]) {
      let sum = 0;
      for (let next = 0; next < 256; next++) {
        expect(bigram(previous, next)).toBeGreaterThan(0);
        sum += bigram(previous, next);
      }
      expect(sum).toBeCloseTo(1, 12);
    }
  });

  it('counts as Witten and Bell do', () => {
    // a → b occurs twice, a → end once; b has 1 + 2 of the 256 + 7 unigram counts.
    const bigram = bigramOf(text('ab', 'aba'));
    expect(bigram(97, 98)).toBeCloseTo((2 + 2 * (3 / 263)) / 5, 12);
    expect(bigram(97, 99)).toBeCloseTo((2 * (1 / 263)) / 5, 12);
  });

  it('costs little where the next byte is sure, and 8 bits where nothing is known', () => {
    expect(bitsPerByte(bigramOf(text('ab'.repeat(5000))), text('ab'.repeat(50)))).toBeLessThan(0.2);
    expect(bitsPerByte(bigramOf([]), text('anything'))).toBeCloseTo(8, 12);
  });
});
