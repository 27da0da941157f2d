import type { Gpu } from '@heed/core';

/** The elements that `Tensor.read` returns. */
type Elements = Float32Array | Int32Array | Uint32Array;

const recordings = new WeakMap<Gpu, Map<string, string>>();

/** Collects hashes of outputs until `stop` is called. */
export interface Recording {
  readonly hashes: () => Readonly<Record<string, string>>;
  readonly stop: () => void;
}

/** Starts to record the outputs that a case reads back from this GPU. Only one case may run at a time. */
export function recordOutputs(gpu: Gpu): Recording {
  const hashes = new Map<string, string>();
  recordings.set(gpu, hashes);
  return {
    hashes: () => Object.fromEntries(hashes),
    stop: () => void recordings.delete(gpu),
  };
}

/** Adds the hash of one output to the recording in progress, if there is one. The second output of a name is `name#2`. */
export function recordOutput(gpu: Gpu, name: string, elements: Elements): void {
  const hashes = recordings.get(gpu);
  if (hashes === undefined) return;
  let key = name;
  for (let n = 2; hashes.has(key); n++) key = `${name}#${n}`;
  hashes.set(key, hashOf(elements));
}

/** Hashes the exact bits of all elements: two 32-bit MurmurHash3 with different seeds, as 16 hexadecimal digits. */
export function hashOf(elements: Elements): string {
  const words = new Uint32Array(elements.buffer, elements.byteOffset, elements.length);
  return [0, 0x9747b28c].map((seed) => murmur3(words, seed).toString(16).padStart(8, '0')).join('');
}

function murmur3(words: Uint32Array, seed: number): number {
  let hash = seed;
  for (let i = 0; i < words.length; i++) {
    hash ^= Math.imul(rotated(Math.imul(words[i]!, 0xcc9e2d51), 15), 0x1b873593);
    hash = Math.imul(rotated(hash, 13), 5) + 0xe6546b64;
  }
  hash ^= words.length * 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function rotated(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The differences between the outputs of a run and of a stored run. */
export interface OutputComparison {
  /** The number of cases in both runs. */
  readonly compared: number;
  readonly differing: readonly { readonly id: string; readonly outputs: readonly string[] }[];
  /** Ids of cases that only this run has. */
  readonly added: readonly string[];
  /** Ids of cases that only the stored run has. */
  readonly missing: readonly string[];
}

/** The part of a case's report that is compared. */
interface CaseOutputs {
  readonly id: string;
  readonly outputs?: Readonly<Record<string, string>>;
}

/** Compares the hashes of every output, case by case. An output that only one run has counts as different. */
export function compareOutputs(
  cases: readonly CaseOutputs[],
  stored: readonly CaseOutputs[],
): OutputComparison {
  const before = new Map(stored.map(({ id, outputs = {} }) => [id, outputs]));
  const ids = new Set(cases.map(({ id }) => id));
  const differing = cases.flatMap(({ id, outputs: now = {} }) => {
    const then = before.get(id);
    if (then === undefined) return [];
    const names = [...new Set([...Object.keys(now), ...Object.keys(then)])];
    const outputs = names.filter((name) => now[name] !== then[name]);
    return outputs.length === 0 ? [] : [{ id, outputs }];
  });
  const added = [...ids].filter((id) => !before.has(id));
  const missing = [...before.keys()].filter((id) => !ids.has(id));
  return { compared: ids.size - added.length, differing, added, missing };
}
