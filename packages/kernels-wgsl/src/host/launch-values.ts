import type { ParamField, ParamValues } from '../text/parts/params.ts';
import type { AnyTile } from '../text/tiles/kernel-config.ts';
import { CHUNK, THREADS_N } from '../text/tiles/thread-grid.wgsl.ts';
import { keyTurns } from '../text/tiles/tile-paths.ts';
import type { Call } from './attention-call.ts';
import type { Strides } from './memory-layout.ts';

/** Grid of a launch: tiles × splits × heads. */
export interface LaunchGrid {
  readonly units: number;
  readonly tiles: number;
  readonly splits: number;
}

/** The inputs from which the parameters of one launch are computed. */
export interface LaunchInputs {
  readonly call: Call;
  readonly grid: LaunchGrid;
  readonly tile: AnyTile;
  /** Offset and strides of each tensor of the kernel within its binding. */
  readonly strides: { readonly [Name in LaunchTensor]?: Strides | undefined };
  /** Forward: whether the kernel writes lse. */
  readonly writesLse?: boolean;
  /** Words from one plane of row states to the next; 0 if only lse is kept. */
  readonly statePlane: number;
  /** Words from lse to the largest score of each row; 0 if it is not kept. */
  readonly maxPlane?: number;
  /** Values from other modules, by name: of lists, of hooks, of table gradients. */
  readonly more: readonly ParamValues[];
}

type LaunchTensor = 'q' | 'k' | 'v' | 'out' | 'lse' | 'dout' | 'dk' | 'dv';

/** Computes the value of one parameter of a launch. */
type ValueOf = (launch: LaunchInputs) => number;

/** Returns the number of query heads per kv head. */
export function groupSize({ qHeads, kvHeads }: Call): number {
  return kvHeads === 0 ? 1 : qHeads / kvHeads;
}

/** Returns the factor of q·k; 1 where a hook scales the product. */
export function scaleOf({ options: { scale }, headDim }: Call): number {
  if (typeof scale === 'number') return scale;
  return scale ? 1 : 1 / Math.sqrt(headDim);
}

const tensors: readonly LaunchTensor[] = ['q', 'k', 'v', 'out', 'lse', 'dout', 'dk', 'dv'];
const axes = ['offset', 'batch', 'head', 'row', 'dim', 'split'] as const;

/** The value of each parameter of an attention kernel, forward and backward. */
const VALUES: Readonly<Record<string, ValueOf>> = {
  units: ({ grid }) => grid.units,
  tiles: ({ grid }) => grid.tiles,
  splits: ({ grid }) => grid.splits,
  batch: ({ call }) => call.batch,
  group: ({ call }) => groupSize(call),
  q_heads: ({ call }) => call.qHeads,
  seqlen_q: ({ call }) => call.seqlenQ,
  seqlen_k: ({ call }) => call.seqlenK,
  table_row: ({ call }) => call.maxPages,
  pages: ({ call }) => call.pages,
  page_size: ({ call }) => call.pageSize,
  align_end: ({ call }) => (call.options.align === 'start' ? 0 : 1),
  scale: ({ call }) => scaleOf(call),
  write_lse: ({ writesLse }) => (writesLse ? 1 : 0),
  state_plane: ({ statePlane }) => statePlane,
  max_plane: ({ maxPlane = 0 }) => maxPlane,
  // Loop bounds that must stay unknown to the compiler; see repeat.ts.
  q_vecs: ({ call }) => Math.ceil(call.headDim / 4),
  v_vecs: ({ call }) => Math.ceil(call.headDimV / 4),
  chunk_vecs: () => THREADS_N,
  q_chunks: ({ call }) => Math.ceil(call.headDim / CHUNK),
  v_chunks: ({ call }) => Math.ceil(call.headDimV / CHUNK),
  key_turns: ({ tile }) => keyTurns(tile),
  ...Object.fromEntries(
    tensors.flatMap((tensor) =>
      axes.map((axis): [string, ValueOf] => [
        `${tensor}_${axis}`,
        ({ strides }) => strides[tensor]![axis],
      ]),
    ),
  ),
};

const known = new WeakMap<readonly ParamField[], readonly ValueOf[]>();

/** Returns the values of a kernel's parameters, in the order of its fields. */
export function valuesOf(fields: readonly ParamField[], launch: LaunchInputs): number[] {
  let values = known.get(fields);
  if (!values) known.set(fields, (values = fields.map(({ name }) => VALUES[name] ?? given(name))));
  return values.map((value) => value(launch));
}

/** Looks up a value by its name. */
const given =
  (name: string): ValueOf =>
  ({ more }) => {
    for (const values of more) if (name in values) return values[name]!;
    throw new Error(`no value for params.${name}`);
  };
