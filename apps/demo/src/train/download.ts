import { element } from '../frame/element.ts';

/** Hands a file to the browser's downloads. */
export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  element('a', { href, download: name }).click();
  // The download has begun by then, and keeps the bytes.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
