/** A tokenizer of bytes with a few merges, as published files have them, and a template of conversations. */

/** The printable character of each byte in byte-level BPE (GPT-2). */
const characters = ((): string[] => {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : next++),
  );
})();

const special = ['<|begin|>', '<|end|>', '<|user|>', '<|model|>'];

const merges = ['t h', 'th e', 'Ġ the'];

const vocab = Object.fromEntries(
  [...characters, ...merges.map((pair) => pair.replace(' ', ''))].map((token, id) => [token, id]),
);

const firstSpecial = Object.keys(vocab).length;

/** Tokens of the vocabulary: a byte's token is its value. */
export const VOCAB_SIZE: number = firstSpecial + special.length;

/** The ids of the special tokens. */
const ids = special.map((_, i) => firstSpecial + i);
export const [BEGIN, END, USER, MODEL] = ids as [number, number, number, number];

const byteLevel = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};

export const tokenizerFiles = {
  'tokenizer.json': {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, i) => {
      const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
      return { id: firstSpecial + i, content, ...flags, special: true };
    }),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '<|begin|>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
      ],
      pair: [],
      special_tokens: { '<|begin|>': { id: '<|begin|>', ids: [BEGIN], tokens: ['<|begin|>'] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges,
    },
  },
  'tokenizer_config.json': {
    bos_token: '<|begin|>',
    eos_token: { content: '<|end|>' },
    tokenizer_class: 'PreTrainedTokenizerFast',
    chat_template:
      "{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + eos_token }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|model|>' }}{% endif %}",
  },
};
