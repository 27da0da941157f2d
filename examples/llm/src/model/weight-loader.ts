import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { unpackHalves } from '@heed/core/kernel';
import type { StoredTensor, StoredTensors } from '../checkpoint/safetensors-files.ts';
import { PART_BYTES, partBounds, type RowParts } from '../kernels/row-parts.ts';

/** How far the loading of weights has come, in bytes of the files. */
type OnProgress = (done: number, total: number) => void;

/** How weights are loaded. */
export interface LoaderOptions {
  readonly onProgress?: OnProgress;
  /** Most bytes of a part of a weight, on the host while it is loaded and in one binding; default 128 MiB. */
  readonly partBytes?: number;
}

/** Bytes that may wait for their upload; the device copies what it is given until then. */
const IN_FLIGHT = 2 ** 26;

/** Names that a checkpoint may have without need: angles that are computed, and the copy of a tied embedding. */
const SPARE = /rotary_emb\.inv_freq$|^lm_head\.weight$/;

/**
 * Moves tensors from files to the device, one part at a time: a part is read from its slice of the file, uploaded and forgotten, so that
 * no tensor is on the host twice, and no large one as a whole.
 */
export class WeightLoader {
  readonly #gpu: Gpu;
  readonly #stored: StoredTensors;
  readonly #onProgress: OnProgress | undefined;
  readonly #partBytes: number;
  readonly #total: number;
  readonly #taken = new Set<string>();
  readonly #made: Tensor[] = [];
  #done = 0;
  #waiting = 0;

  constructor(gpu: Gpu, stored: StoredTensors, { onProgress, partBytes }: LoaderOptions = {}) {
    this.#partBytes = partBytes ?? PART_BYTES;
    this.#gpu = gpu;
    this.#stored = stored;
    this.#onProgress = onProgress;
    this.#total = [...stored.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Leaves tensors out that the model does not use. */
  skip(names: RegExp): void {
    for (const name of this.#stored.keys()) if (names.test(name)) this.#taken.add(name);
  }

  /** Loads a matrix [rows, columns] in its dtype. */
  async matrix(name: string, shape: readonly [rows: number, columns: number]): Promise<RowParts> {
    const tensor = this.#take(name, shape);
    const [rows, columns] = shape;
    const rowBytes = tensor.bytes / rows;
    const bounds = partBounds(name, shape, tensor.dtype, 1, this.#partBytes);
    const parts: Tensor[] = [];
    for (const [i, end] of bounds.slice(1).entries()) {
      const first = bounds[i]!;
      const bytes = await this.#read(tensor, first * rowBytes, end * rowBytes);
      const part = { shape: [end - first, columns], dtype: tensor.dtype, label: name };
      parts.push(this.#keep(this.#gpu.fromBytes(bytes, part)));
      await this.#upload(bytes.byteLength);
    }
    return { rows, columns, parts };
  }

  /**
   * Loads matrices of experts that are stored as [experts, in, out]: [experts · out, in], each transposed on the host. Row r of a matrix is
   * column order(r) of the stored one.
   */
  async experts(
    name: string,
    [experts, columns, rows]: readonly [experts: number, columns: number, rows: number],
    order: (row: number) => number = (row) => row,
  ): Promise<RowParts> {
    const tensor = this.#take(name, [experts, columns, rows]);
    const bytes = tensor.bytes / experts;
    const shape = [experts * rows, columns] as const;
    const bounds = partBounds(name, shape, tensor.dtype, rows, this.#partBytes);
    const parts: Tensor[] = [];
    for (const [i, end] of bounds.slice(1).entries()) {
      const [first, last] = [bounds[i]! / rows, end / rows];
      const part = new Uint8Array((last - first) * bytes);
      for (let expert = first; expert < last; expert++) {
        const stored = await this.#read(tensor, expert * bytes, (expert + 1) * bytes);
        const to = part.subarray((expert - first) * bytes, (expert - first + 1) * bytes);
        transpose(wordsOf(stored, tensor), wordsOf(to, tensor), columns, rows, order);
      }
      const made = { shape: [end - bounds[i]!, columns], dtype: tensor.dtype, label: name };
      parts.push(this.#keep(this.#gpu.fromBytes(part, made)));
      await this.#upload(part.byteLength);
    }
    return { rows: shape[0], columns, parts };
  }

  /** Loads a vector as f32. */
  vector(name: string, length: number): Promise<Tensor> {
    return this.#small(name, [length]);
  }

  /** Loads a single number. */
  async number(name: string): Promise<number> {
    return (await this.#values(name, [1]))[0]!;
  }

  /** Returns a vector of ones: the weight of a norm that has none. */
  ones(length: number): Tensor {
    return this.#keep(this.#gpu.tensor(new Float32Array(length).fill(1), { shape: [length] }));
  }

  /** Loads a small table [rows, columns] as f32, such as the biases of experts. */
  async table(
    name: string,
    [rows, columns]: readonly [rows: number, columns: number],
    order: (column: number) => number = (column) => column,
  ): Promise<RowParts> {
    const reorder = (values: Float32Array): Float32Array =>
      values.map((_, at) => values[Math.floor(at / columns) * columns + order(at % columns)]!);
    return { rows, columns, parts: [await this.#small(name, [rows, columns], reorder)] };
  }

  async #small(
    name: string,
    shape: readonly number[],
    change: (values: Float32Array) => Float32Array = (values) => values,
  ): Promise<Tensor> {
    const values = change(await this.#values(name, shape));
    return this.#keep(this.#gpu.tensor(values, { shape, label: name }));
  }

  /** Reads a small tensor as f32. */
  async #values(name: string, shape: readonly number[]): Promise<Float32Array> {
    const tensor = this.#take(name, shape);
    const bytes = await this.#read(tensor, 0, tensor.bytes);
    await this.#upload(bytes.byteLength);
    const { dtype } = tensor;
    return dtype === 'f32' ? new Float32Array(bytes) : unpackHalves(new Uint16Array(bytes), dtype);
  }

  /**
   * Ends the loading.
   * @throws ValidationError the checkpoint has weights that no one has loaded, so it is another model than its configuration says
   */
  async finish(): Promise<void> {
    await this.#gpu.settled();
    const spare = [...this.#stored.keys()].find(
      (name) => !this.#taken.has(name) && !SPARE.test(name),
    );
    if (spare === undefined) return;
    throw new ValidationError(
      `safetensors: the model that config.json describes has no weight "${spare}". Check that both are of one model.`,
    );
  }

  /** Disposes all that was loaded. */
  dispose(): void {
    for (const tensor of this.#made) tensor.dispose();
  }

  #take(name: string, shape: readonly number[]): StoredTensor {
    const tensor = this.#stored.get(name);
    const [want, got] = [shape, tensor?.shape ?? []].map((sizes) => `[${sizes.join(', ')}]`);
    if (!tensor || want !== got) {
      throw new ValidationError(
        `safetensors: "${name}" must be ${want}, by config.json; got ${tensor ? got : 'no such tensor'}. Check that both are of one model.`,
      );
    }
    this.#taken.add(name);
    return tensor;
  }

  #read({ file, begin }: StoredTensor, from: number, to: number): Promise<ArrayBuffer> {
    return file.slice(begin + from, begin + to).arrayBuffer();
  }

  #keep(tensor: Tensor): Tensor {
    this.#made.push(tensor);
    return tensor;
  }

  async #upload(bytes: number): Promise<void> {
    this.#done += bytes;
    this.#waiting += bytes;
    this.#onProgress?.(this.#done, this.#total);
    if (this.#waiting < IN_FLIGHT) return;
    this.#waiting = 0;
    await this.#gpu.settled();
  }
}

type Words = Uint16Array | Uint32Array;

/** The elements of bytes, as whole words. */
function wordsOf(bytes: ArrayBuffer | Uint8Array, { dtype }: StoredTensor): Words {
  const { buffer, byteOffset, byteLength } =
    bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  if (dtype === 'f32') return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** Writes row r of the result [rows, columns] from column order(r) of a matrix [columns, rows]. */
function transpose(
  from: Words,
  to: Words,
  columns: number,
  rows: number,
  order: (row: number) => number,
): void {
  for (let row = 0; row < rows; row++) {
    const column = order(row);
    for (let i = 0; i < columns; i++) to[row * columns + i] = from[i * rows + column]!;
  }
}
