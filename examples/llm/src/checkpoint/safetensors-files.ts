import { UnsupportedError, ValidationError } from '@heed/core';
import type { FloatType } from '@heed/core/kernel';
import { type CheckpointFolder, optionalJson } from './checkpoint-folder.ts';

/** A tensor of a file, unread. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: FloatType;
  readonly shape: readonly number[];
  /** The file. */
  readonly file: Blob;
  /** Where its bytes begin in the file, and their number. */
  readonly begin: number;
  readonly bytes: number;
}

/** The tensors of a checkpoint by name. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

const INDEX = 'model.safetensors.index.json';

/** Size of the field at the start of a file that gives the length of its header. */
const LENGTH_BYTES = 8;

/** The format's own limit, so that a damaged length cannot ask for all memory. */
const MAX_HEADER = 100_000_000;

const dtypes: Readonly<Record<string, FloatType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

const sizes = { f32: 4, f16: 2, bf16: 2 } as const;

/**
 * Reads the headers of `model.safetensors`, or of the shards that `model.safetensors.index.json` names; no tensor is read.
 * @throws ValidationError a file is missing or malformed, saying where
 * @throws UnsupportedError a tensor has another dtype than F32, F16 and BF16
 */
export async function storedTensors(folder: CheckpointFolder): Promise<StoredTensors> {
  const index = (await optionalJson(folder, INDEX)) as { weight_map?: Record<string, string> };
  if (index !== undefined && typeof index?.weight_map !== 'object') {
    refuse(INDEX, 'it must have a weight_map', JSON.stringify(index).slice(0, 100));
  }
  const map = index?.weight_map;
  const names = map ? [...new Set(Object.values(map))] : ['model.safetensors'];
  const all = new Map<string, StoredTensor>();
  for (const name of names) {
    const file = await folder(name);
    if (!file) refuse(name, 'it must be in the folder of the checkpoint', 'no such file');
    for (const tensor of await tensorsOf(name, file)) {
      if (!map || map[tensor.name] === name) all.set(tensor.name, tensor);
    }
  }
  const missing = Object.keys(map ?? {}).find((name) => !all.has(name));
  if (missing !== undefined) refuse(map![missing]!, `it must have "${missing}"`, 'none');
  return all;
}

/** The text model in one that has other parts: Transformers has saved it under both names. */
const PART = /^(model\.language_model|language_model\.model)\./;

/** The other parts, for images and sound. */
const OTHERS =
  /^(model\.)?(vision_tower|vision_embedder|audio_tower|multi_modal_projector|embed_vision|embed_audio)\./;

/** Returns the tensors of the text model under the names that they have in a model of text alone. */
export function textTensors(all: StoredTensors): StoredTensors {
  const named = [...all].map(([name, tensor]) => {
    return [
      name.replace(PART, 'model.').replace(/^language_model\.lm_head/, 'lm_head'),
      tensor,
    ] as const;
  });
  return new Map(named.filter(([name]) => !OTHERS.test(name)));
}

async function tensorsOf(name: string, file: Blob): Promise<StoredTensor[]> {
  if (file.size < LENGTH_BYTES) refuse(name, 'it must have 8 bytes or more', file.size);
  const lengthBytes = await file.slice(0, LENGTH_BYTES).arrayBuffer();
  const length = Number(new DataView(lengthBytes).getBigUint64(0, true));
  const most = Math.min(MAX_HEADER, file.size - LENGTH_BYTES);
  if (length > most) refuse(name, `its header must have at most ${most} bytes`, length);
  const start = LENGTH_BYTES + length;
  const { __metadata__: _, ...entries } = await headerOf(name, file.slice(LENGTH_BYTES, start));
  const tensors = Object.entries(entries).map(([key, e]) => stored(name, key, e, file, start));
  let end = start;
  for (const { begin, bytes, name: key } of tensors.toSorted((a, b) => a.begin - b.begin)) {
    // The format allows neither gaps nor overlaps.
    if (begin !== end) refuse(name, `"${key}" must begin at byte ${end}`, begin);
    end += bytes;
  }
  if (end !== file.size) refuse(name, `it must have ${end} bytes`, file.size);
  return tensors;
}

async function headerOf(name: string, bytes: Blob): Promise<Record<string, unknown>> {
  try {
    const header = JSON.parse(await bytes.text()) as unknown;
    if (typeof header === 'object' && header !== null) return header as Record<string, unknown>;
  } catch {
    // Refused below, as other values are.
  }
  return refuse(name, 'its header must be a JSON object', 'something else');
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

function stored(
  fileName: string,
  name: string,
  entry: unknown,
  file: Blob,
  start: number,
): StoredTensor {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (entry ?? {}) as { dtype?: string; shape?: unknown; data_offsets?: unknown };
  const type = dtypes[dtype ?? ''];
  if (!type) {
    throw new UnsupportedError(
      `${fileName}: this program does not implement dtype ${dtype}, which "${name}" has. Use a checkpoint in F32, F16 or BF16.`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    refuse(fileName, `"${name}" must have a shape of whole numbers`, JSON.stringify(shape));
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    refuse(fileName, `"${name}" must have two data_offsets`, JSON.stringify(offsets));
  }
  const bytes = shape.reduce((product, size) => product * size, 1) * sizes[type];
  const [begin, end] = offsets as [number, number];
  if (end - begin !== bytes) {
    refuse(fileName, `"${name}" [${shape.join(', ')}] must have ${bytes} bytes`, end - begin);
  }
  return { name, dtype: type, shape, file, begin: start + begin, bytes };
}

function refuse(file: string, rule: string, got: unknown): never {
  throw new ValidationError(`${file}: ${rule}; got ${String(got)}. Download it again.`);
}
