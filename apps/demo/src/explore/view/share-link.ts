import { element } from '../../page/element.ts';

/** The contents of a link to the Explore room. */
interface Shared {
  readonly text: string;
  readonly tokens: number;
  readonly head: number;
}

const deflate = 'deflate-raw';

/** Encodes shared contents for the address: JSON, deflated, in URL-safe base64. */
export async function encodeShared(shared: Shared): Promise<string> {
  const bytes = await through(
    new CompressionStream(deflate),
    new TextEncoder().encode(JSON.stringify(shared)),
  );
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * Decodes the result of `encodeShared`. The payload comes from a stranger, so every part of it is checked.
 * @throws Error if the payload is malformed, or holds more text than the editor takes
 */
export async function decodeShared(payload: string): Promise<Shared> {
  const shared = await unpack(payload).catch((cause: unknown) => {
    throw new Error('This link is damaged: it does not unpack.', { cause });
  });
  if (typeof shared !== 'object' || shared === null) {
    throw new Error('This link is damaged: it holds no object.');
  }
  const { text, tokens, head } = shared as Partial<Record<keyof Shared, unknown>>;
  if (typeof text !== 'string') throw new Error('This link is damaged: it holds no text.');
  if (text.length > MOST_TEXT) throw new Error('This link holds too much text.');
  return { text, tokens: Number(tokens), head: Number(head) };
}

async function unpack(payload: string): Promise<unknown> {
  const binary = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  const json = await through(new DecompressionStream(deflate), bytes);
  return JSON.parse(new TextDecoder().decode(json));
}

const MOST_TEXT = 100_000;
// A small payload can inflate to very much text.
const MOST_BYTES = 4 * MOST_TEXT;

async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const source = new Blob([bytes]).stream() as ReadableStream<BufferSource>;
  // Not every browser supports async iteration over a stream.
  const reader = source.pipeThrough(stream).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST_BYTES) throw new RangeError('too much text');
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Creates the button that puts the editor's state into the address and, if permitted, the address into the clipboard. */
export function shareButton(current: () => Shared): HTMLElement {
  const button = element('button', { type: 'button' }, 'Copy a link');
  const said = element('span', { role: 'status', class: 'fine' });
  button.addEventListener('click', () => void share());
  const share = async (): Promise<void> => {
    history.replaceState(null, '', `#explore=${await encodeShared(current())}`);
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = 'Copied.';
    } catch {
      said.textContent = 'The link is in the address bar.';
    }
  };
  return element('span', { class: 'share' }, button, said);
}
