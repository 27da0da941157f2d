/** Any text in a small alphabet, and back. */
export interface Escaping {
  /** UTF-16 code units outside the alphabet, lone surrogates too, become the mark and four hexadecimal digits. */
  escape(text: string): string;
  /** The inverse; undefined for a text that `escape` does not give. */
  unescape(escaped: string): string | undefined;
}

/** @param others matches every code unit that does not stand for itself (flag g, not u); the mark is one of them */
export function escaping(mark: string, others: RegExp): Escaping {
  const escape = (text: string): string =>
    text.replaceAll(others, (unit) => mark + unit.charCodeAt(0).toString(16).padStart(4, '0'));
  const escaped = new RegExp(`${mark}([0-9a-f]{4})`, 'g');
  const unescape = (text: string): string | undefined => {
    const plain = text.replaceAll(escaped, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return escape(plain) === text ? plain : undefined;
  };
  return { escape, unescape };
}
