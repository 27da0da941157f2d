import { ValidationError } from '@heed/core';
import { expect, it } from 'vitest';
import { ChatTokenizer } from '../../src/generation/chat-tokenizer.ts';
import { folderOf } from '../random-checkpoint.ts';
import { BEGIN, END, MODEL, tokenizerFiles, USER } from '../small-tokenizer.ts';

const load = (files: object = {}): Promise<ChatTokenizer> =>
  ChatTokenizer.load(folderOf({ ...tokenizerFiles, ...files }));

it('encodes a text with its first token, and decodes without special ones', async () => {
  const tokenizer = await load();
  const tokens = tokenizer.encode('the the é');
  expect(tokens).toEqual([BEGIN, 257, 258, 32, 0xc3, 0xa9].map((x) => (x === 32 ? tokens[3] : x)));
  expect(tokenizer.decode([...tokens, END])).toBe('the the é');
});

it('writes a conversation by the template', async () => {
  const tokenizer = await load();
  const tokens = tokenizer.encodeChat([{ role: 'user', content: 'the' }]);
  expect(tokens).toEqual([BEGIN, USER, 257, END, MODEL]);
  const jinja = new Blob(["{{ bos_token + messages[0]['content'] }}"]);
  const other = await load({ 'chat_template.jinja': jinja });
  expect(other.encodeChat([{ role: 'user', content: 'the' }])).toEqual([BEGIN, 257]);
  const none = new Blob(['{% if tools is not none or documents is not none %}x{% endif %}the']);
  expect((await load({ 'chat_template.jinja': none })).encodeChat([])).toEqual([257]);
  const named = [
    { name: 'tool_use', template: 'x' },
    { name: 'default', template: 'the' },
  ];
  const list = await load({ 'tokenizer_config.json': { chat_template: named } });
  expect(list.encodeChat([])).toEqual([257]);
});

it('says that a base model has no template', async () => {
  const tokenizer = await load({ 'tokenizer_config.json': {} });
  expect(tokenizer.canChat).toBe(false);
  expect(() => tokenizer.encodeChat([])).toThrow(ValidationError);
});

it('holds the bytes of a character back until it is complete', async () => {
  const tokenizer = await load();
  const text = 'a é 👋🏽 the\nthe';
  const stream = tokenizer.stream();
  const parts = tokenizer.encode(text).map(stream.push);
  expect(parts.join('')).toBe(text);
  expect(parts.every((part) => !part.includes('\uFFFD'))).toBe(true);
  expect(parts.filter((part) => part === '').length).toBeGreaterThan(7);
  expect(stream.end()).toBe('');
  expect(stream.push(0xc3)).toBe('');
  expect(stream.end()).toBe('\uFFFD');
});

it('names the file that is missing', async () => {
  await expect(ChatTokenizer.load(folderOf({}))).rejects.toThrow(
    'tokenizer.json must be in the folder',
  );
  await expect(load({ 'tokenizer_config.json': new Blob(['{']) })).rejects.toThrow(
    'tokenizer_config.json: it must be JSON',
  );
});
