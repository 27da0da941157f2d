import { describe, expect, it } from 'vitest';
import { DifferentAnswerError, ResumedStream } from '../../src/resumed-stream.ts';

const chunk = (id: string, text: string, index = 0, reason: string | null = null): string =>
  JSON.stringify({ id, created: 1, choices: [{ index, text, finish_reason: reason }] });

const textOf = (event: string | undefined): string | undefined =>
  event === undefined
    ? undefined
    : (JSON.parse(event) as { choices: { text: string }[] }).choices
        .map(({ text }) => text)
        .join('');

describe('a stream over two workers', () => {
  it('sends what is new, wherever the second worker cuts its pieces', () => {
    const stream = new ResumedStream();
    stream.begin();
    expect(textOf(stream.next(chunk('a', 'one ')))).toBe('one ');
    expect(textOf(stream.next(chunk('a', 'two')))).toBe('two');
    stream.begin();
    expect(stream.next(chunk('b', 'on'))).toBeUndefined();
    expect(stream.next(chunk('b', 'e t'))).toBeUndefined();
    const next = stream.next(chunk('b', 'wo three'));
    expect(textOf(next)).toBe(' three');
    // To the client it is one answer.
    expect(JSON.parse(next!)).toMatchObject({ id: 'a' });
    expect(stream.next(chunk('b', '', 0, 'length'))).toContain('"finish_reason":"length"');
    expect(stream.next('[DONE]')).toBe('[DONE]');
  });

  it('keeps the answers of a request apart', () => {
    const stream = new ResumedStream();
    stream.begin();
    stream.next(chunk('a', 'x', 0));
    stream.next(chunk('a', 'y', 1));
    stream.begin();
    expect(stream.next(chunk('b', 'y', 1))).toBeUndefined();
    expect(textOf(stream.next(chunk('b', 'xx', 0)))).toBe('x');
  });

  it('of conversations tells the role once', () => {
    const role = (id: string): string =>
      JSON.stringify({ id, choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] });
    const stream = new ResumedStream();
    stream.begin();
    expect(stream.next(role('a'))).toContain('assistant');
    stream.begin();
    expect(stream.next(role('b'))).toBeUndefined();
  });

  it('ends where another worker says something else', () => {
    const stream = new ResumedStream();
    stream.begin();
    stream.next(chunk('a', 'one two'));
    stream.begin();
    expect(stream.next(chunk('b', 'one'))).toBeUndefined();
    expect(() => stream.next(chunk('b', ' too'))).toThrow(DifferentAnswerError);
  });

  it('passes the usage on, and makes a worker’s error one of the attempt', () => {
    const stream = new ResumedStream();
    stream.begin();
    const usage = JSON.stringify({ id: 'a', choices: [], usage: { total_tokens: 3 } });
    expect(stream.next(usage)).toContain('"total_tokens":3');
    expect(() => stream.next('{"error":{"message":"lost"}}')).toThrow('ended the stream');
  });
});
