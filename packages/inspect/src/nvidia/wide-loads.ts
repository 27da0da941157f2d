import type { LaneOffsets } from './bank-conflicts.ts';

/** An access of a warp to shared memory that is no matrix's. */
export interface PlainAccess {
  readonly variable: number;
  readonly offsets: LaneOffsets;
  /** Bytes per lane. */
  readonly size: number;
  readonly isStore: boolean;
  /** Whether some lane's place depends on data. */
  readonly isUnknown: boolean;
}

const WIDEST = 16;

/**
 * Joins loads of neighbouring places between two stores, as nvcc does: up to 16 bytes, if every lane's place is a multiple of the size.
 * Without it the scalars that threads exchange for the maxima of rows would count four times.
 */
export function widened(accesses: readonly PlainAccess[]): PlainAccess[] {
  const result: PlainAccess[] = [];
  let loads: PlainAccess[] = [];
  const close = (): void => {
    for (const group of Object.values(Object.groupBy(loads, ({ variable }) => variable)))
      result.push(...joinNeighbours(group!));
    loads = [];
  };
  for (const access of accesses) {
    if (access.isStore) close();
    if (access.isStore || access.isUnknown || access.size >= WIDEST) result.push(access);
    else loads.push(access);
  }
  close();
  return result;
}

function joinNeighbours(loads: readonly PlainAccess[]): PlainAccess[] {
  const inOrder = loads.toSorted((a, b) => (a.offsets[0] ?? 0) - (b.offsets[0] ?? 0));
  const result: PlainAccess[] = [];
  for (let at = 0; at < inOrder.length;) {
    const first = inOrder[at]!;
    const most = WIDEST / first.size;
    const count =
      [most, most / 2].find((length) => canJoin(inOrder.slice(at, at + length), length)) ?? 1;
    result.push({ ...first, size: first.size * count });
    at += count;
  }
  return result;
}

function canJoin(loads: readonly PlainAccess[], count: number): boolean {
  const [first] = loads;
  if (first === undefined || loads.length < count) return false;
  return loads.every(({ size, offsets }, index) =>
    offsets.every((offset, lane) => {
      const start = first.offsets[lane];
      if (start === undefined || offset === undefined) return start === offset;
      return size === first.size && offset === start + index * size && start % (count * size) === 0;
    }),
  );
}
