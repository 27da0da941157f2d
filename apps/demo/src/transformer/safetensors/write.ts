import { packHalves } from '@heed/core/kernel';
import { bytesOf, type Entry, LENGTH_BYTES, type Safetensors, type StoredDType } from './format.ts';

/**
 * A safetensors file (github.com/huggingface/safetensors): the header's length in 8 bytes, little-endian, the header in JSON, the
 * data. F16 rounds to nearest even.
 */
export function writeSafetensors(
  { tensors, metadata }: Safetensors,
  dtype: StoredDType,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, Entry | Record<string, string>> = { __metadata__: { ...metadata } };
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const begin = end;
    end += data.length * bytesOf[dtype];
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces behind the header align the data to 8 bytes, as the format asks.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of Object.values(tensors)) {
    const values = dtype === 'F16' ? packHalves(data) : data;
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}
