const utf8 = new TextEncoder();

/** Writes values of MessagePack, as few bytes each as the format allows. Lists and maps are their sizes, then their values. */
export class MessagePack {
  #buffer = new Uint8Array(1024);
  #length = 0;

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  nil(): void {
    this.#put(0xc0);
  }

  float(value: number): void {
    const at = this.#room(9);
    this.#buffer[at] = 0xcb;
    new DataView(this.#buffer.buffer).setFloat64(at + 1, value);
  }

  /** A whole number, 0 to 2⁶⁴ − 1. */
  unsigned(value: number | bigint): void {
    if (value < 0x80) this.#put(Number(value));
    else if (value < 0x100) this.#sized(0xcc, 1, Number(value));
    else if (value < 0x10000) this.#sized(0xcd, 2, Number(value));
    else if (value < 0x100000000) this.#sized(0xce, 4, Number(value));
    else {
      const at = this.#room(9);
      this.#buffer[at] = 0xcf;
      new DataView(this.#buffer.buffer).setBigUint64(at + 1, BigInt(value));
    }
  }

  text(value: string): void {
    const bytes = utf8.encode(value);
    if (bytes.length < 32) this.#put(0xa0 | bytes.length);
    else if (bytes.length < 0x100) this.#sized(0xd9, 1, bytes.length);
    else if (bytes.length < 0x10000) this.#sized(0xda, 2, bytes.length);
    else this.#sized(0xdb, 4, bytes.length);
    this.#copy(bytes);
  }

  /** At most 255 bytes. */
  binary(bytes: Uint8Array): void {
    this.#sized(0xc4, 1, bytes.length);
    this.#copy(bytes);
  }

  array(size: number): void {
    if (size < 16) this.#put(0x90 | size);
    else if (size < 0x10000) this.#sized(0xdc, 2, size);
    else this.#sized(0xdd, 4, size);
  }

  /** At most 15 entries. */
  map(size: number): void {
    this.#put(0x80 | size);
  }

  #put(byte: number): void {
    const at = this.#room(1);
    this.#buffer[at] = byte;
  }

  #copy(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** A tag and a big-endian number of `width` bytes. */
  #sized(tag: number, width: number, value: number): void {
    let at = this.#room(1 + width);
    this.#buffer[at++] = tag;
    for (let i = width - 1; i >= 0; i--) this.#buffer[at++] = value >>> (8 * i);
  }

  /** Returns the place of the next bytes. The buffer may be another one afterwards. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#length));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    return at;
  }
}
