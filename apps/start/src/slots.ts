/** Slots of equal size, one a document: where their rows come from, and how large they are. */
export interface SlotShape {
  /** [N + 1] */
  readonly cuSeqlens: Int32Array;
  readonly heads: number;
  /** Rows of a slot. */
  readonly capacity: number;
  readonly dim: number;
}

/**
 * Packed rows [T, heads, dim] → one slot a document, [N, heads, capacity, dim]. Rows past a document's length hold
 * `filler`.
 */
export function toSlots(
  packed: Float32Array,
  { cuSeqlens, heads, capacity, dim }: SlotShape,
  filler: number,
): Float32Array {
  const count = cuSeqlens.length - 1;
  const slots = new Float32Array(count * heads * capacity * dim).fill(filler);
  eachRow({ cuSeqlens, heads, capacity, dim }, (row, slot) =>
    slots.set(packed.subarray(row, row + dim), slot),
  );
  return slots;
}

/** The real rows of [N, heads, capacity, dim] → packed rows [T, heads, dim]. */
export function fromSlots(slots: Float32Array, shape: SlotShape): Float32Array {
  const tokens = shape.cuSeqlens.at(-1) ?? 0;
  const packed = new Float32Array(tokens * shape.heads * shape.dim);
  eachRow(shape, (row, slot) => packed.set(slots.subarray(slot, slot + shape.dim), row));
  return packed;
}

function eachRow(shape: SlotShape, visit: (row: number, slot: number) => void): void {
  const { cuSeqlens, heads, capacity, dim } = shape;
  for (let b = 0; b + 1 < cuSeqlens.length; b++) {
    const [start, end] = [cuSeqlens[b] as number, cuSeqlens[b + 1] as number];
    for (let token = start; token < end; token++) {
      for (let h = 0; h < heads; h++)
        visit((token * heads + h) * dim, ((b * heads + h) * capacity + token - start) * dim);
    }
  }
}
