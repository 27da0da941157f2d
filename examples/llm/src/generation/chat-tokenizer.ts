import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { ValidationError } from '@heed/core';
import {
  type CheckpointFolder,
  optionalJson,
  requiredJson,
} from '../checkpoint/checkpoint-folder.ts';

/** A turn of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** The tokenizer of a checkpoint, and its template of conversations. */
export class ChatTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #config: TokenizerConfig;
  readonly #template: Template | undefined;

  private constructor(tokenizer: Tokenizer, config: TokenizerConfig, template?: string) {
    this.#tokenizer = tokenizer;
    this.#config = config;
    this.#template = template === undefined ? undefined : new Template(template);
  }

  /**
   * Reads `tokenizer.json`, `tokenizer_config.json` and, if there is one, `chat_template.jinja`.
   * @throws ValidationError a file is missing or is not JSON
   */
  static async load(folder: CheckpointFolder): Promise<ChatTokenizer> {
    const tokenizer = (await requiredJson(folder, 'tokenizer.json')) as object;
    const config = ((await optionalJson(folder, 'tokenizer_config.json')) ?? {}) as TokenizerConfig;
    const template = await (await folder('chat_template.jinja'))?.text();
    const own = template ?? templateOf(config);
    return new ChatTokenizer(new Tokenizer(tokenizer, config), config, own);
  }

  /** Whether the model has a template of conversations: base models have none. */
  get canChat(): boolean {
    return this.#template !== undefined;
  }

  /** Returns the tokens of a text, with those that the model expects at its start. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text).ids;
  }

  /**
   * Returns the tokens of a conversation up to the model's next words.
   * @throws ValidationError the model has no template
   */
  encodeChat(messages: readonly ChatMessage[]): number[] {
    if (!this.#template) {
      throw new ValidationError(
        'encodeChat: the checkpoint has no chat_template. Use encode(), or an instruction-tuned model.',
      );
    }
    const text = this.#template.render({
      messages,
      add_generation_prompt: true,
      // Transformers passes them as None, for which templates ask.
      tools: null,
      documents: null,
      bos_token: contentOf(this.#config.bos_token),
      eos_token: contentOf(this.#config.eos_token),
    });
    // The template has written the special tokens.
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** Returns the text of tokens, without special ones. */
  decode(tokens: readonly number[]): string {
    if (tokens.length === 0) return '';
    return this.#tokenizer.decode([...tokens], { skip_special_tokens: true });
  }

  /** Returns a text that takes the tokens of an answer one by one. */
  stream(): TextStream {
    const tokens: number[] = [];
    // Tokens from `start` are decoded again, since the text of a token depends on the one before; those up to `shown` were returned.
    let [start, shown] = [0, 0];
    const fresh = (): string =>
      this.decode(tokens.slice(start)).slice(this.decode(tokens.slice(start, shown)).length);
    return {
      push: (token) => {
        tokens.push(token);
        const text = fresh();
        if (text === '' || text.endsWith(INCOMPLETE)) return '';
        [start, shown] = [shown, tokens.length];
        return text;
      },
      end: fresh,
    };
  }
}

/** What decoding writes for bytes that are no whole character. */
const INCOMPLETE = '\uFFFD';

/** The text of tokens that come one by one. */
export interface TextStream {
  /** Returns the text that a token completes: none while the bytes of a character are incomplete. */
  readonly push: (token: number) => string;
  /** Returns the rest. */
  readonly end: () => string;
}

type SpecialToken = string | { readonly content: string } | null;

interface TokenizerConfig {
  readonly bos_token?: SpecialToken;
  readonly eos_token?: SpecialToken;
  readonly chat_template?: string | readonly { readonly name: string; readonly template: string }[];
}

const contentOf = (token: SpecialToken | undefined): string =>
  typeof token === 'string' ? token : (token?.content ?? '');

/** Older files have a list of templates by name. */
function templateOf({ chat_template: given }: TokenizerConfig): string | undefined {
  if (typeof given === 'string' || given === undefined) return given;
  return given.find(({ name }) => name === 'default')?.template;
}
