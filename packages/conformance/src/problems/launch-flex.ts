import type { Gpu, Tensor } from '@heed/core';
import {
  type BlockListOptions,
  BlockMask,
  type BlockMaskOptions,
  type Captures,
  createBlockMask,
  flexAttention,
  type FlexOptions,
  type MaskMod,
  type ScoreMod,
} from '@heed/flex';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { extent } from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from '../reference/reference-problem.ts';
import { headsOf } from '../reference/sequences.ts';
import { Scope } from './case-tensors.ts';
import { type HostTable, nestedTable, uploadTable } from './host-tables.ts';
import { collect, type LaunchOptions, lengthsOf, upload } from './launch-problem.ts';
import { type ListedBlocks, uploadLists } from './listed-blocks.ts';

/** The mods of one call and their captures. */
interface Mods<C extends Captures = Captures> {
  readonly scoreMod?: ScoreMod<C>;
  readonly maskMod?: MaskMod<C>;
  readonly captures?: C;
  /** The absolute error that WGSL allows the functions of the scoreMod, if it is more than rounding. */
  readonly scoreError?: number;
}

/** Mods with any captures. */
interface AnyMods extends Omit<Mods<never>, 'captures'> {
  readonly captures?: Captures;
}

/**
 * Mods that run twice: fused into the kernel, with tables as tensors, and as plain functions in the reference, with tables as nested
 * arrays. `given` converts a table to the one or the other.
 */
export type Pair = (given: (host: HostTable) => Tensor) => AnyMods;

/** Returns its argument. The parameters of the functions get their types from the captures. */
export function mods<C extends Captures>(given: Mods<C>): AnyMods {
  return given;
}

/** A problem whose reference calls the plain functions of a pair. */
export interface FlexProblem extends ReferenceProblem {
  readonly pair: Pair;
  /** The options without the functions of the pair. */
  readonly plainOptions: ReferenceOptions;
  readonly scoreError: number;
  /** Lists that the BlockMask is made of, with the pair's maskMod for their partial blocks. */
  readonly blocks?: ListedBlocks;
}

export function withMods(problem: ReferenceProblem, pair: Pair): FlexProblem {
  const plain = pair((host) => nestedTable(host) as never);
  const options: ReferenceOptions = { ...problem.options, ...plainMods(plain) };
  const { scoreError = 0 } = plain;
  return { ...problem, options, plainOptions: problem.options, pair, scoreError };
}

type AnyFunction = (...args: unknown[]) => unknown;

function plainMods(plain: AnyMods): Pick<ReferenceOptions, 'scoreMod' | 'maskMod'> {
  const { scoreMod, maskMod, captures = {} } = plain;
  const score: ReferenceOptions['scoreMod'] = (s, b, h, q, kv, info) =>
    (scoreMod as unknown as AnyFunction)(s, b, h, q, kv, captures, info) as number;
  const mask: ReferenceOptions['maskMod'] = (b, h, q, kv, info) =>
    (maskMod as unknown as AnyFunction)(b, h, q, kv, captures, info) as boolean;
  return { ...(scoreMod && { scoreMod: score }), ...(maskMod && { maskMod: mask }) };
}

/** How a problem with mods is passed to flexAttention. */
export interface FlexLaunchOptions extends LaunchOptions {
  /** Passes the mask as a BlockMask of this block size, not as a maskMod. */
  readonly blockSize?: number | readonly [q: number, k: number];
  /** With `blockSize` and `gpuLengths`: makes the BlockMask from the lengths of this problem, as if they had changed since. */
  readonly madeFor?: ReferenceProblem;
  /** With `blockSize`: a second mask, passed as maskMod. Both must hold. */
  readonly beside?: MaskMod<never>;
}

/** Runs a problem with its mods on the GPU, reads both results back, and frees all tensors. */
export async function flexLaunch(
  gpu: Gpu,
  problem: FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): Promise<AttentionState> {
  const scope = new Scope(gpu);
  try {
    return await collect(scope, flexCall(scope, problem, dtype, options), options.out);
  } finally {
    scope.dispose();
  }
}

/** Uploads the tensors and tables of a problem and calls flexAttention once. */
export function flexCall(
  scope: Scope,
  problem: FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): AttentionResult {
  return flexAttention(...flexArguments(scope, problem, dtype, options));
}

/** Returns the arguments of flexAttention for a problem with mods. */
export function flexArguments(
  scope: Scope,
  problem: FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): FlexArguments {
  // The call takes no scoreError: it widens the budget of the result.
  const { scoreError: _, ...given } = problem.pair((host) => uploadTable(scope, host));
  const { q, k, v, ...rest } = upload(
    scope,
    { ...problem, options: problem.plainOptions },
    dtype,
    options,
  );
  const { blockSize, beside, madeFor } = options;
  const size = problem.blocks?.size ?? blockSize;
  if (size === undefined) return [q, k, v, anyOptions({ ...rest, ...given })];
  const made = madeFor ? { ...rest, ...lengthsOf(scope, madeFor, options) } : rest;
  const blockMask = scope.own(blockMaskOf(scope, problem, given, made, size));
  const { scoreMod, captures } = given;
  const masked = {
    ...rest,
    ...(scoreMod && { scoreMod }),
    ...(captures && { captures }),
    ...(beside && { maskMod: beside }),
    blockMask,
  };
  return [q, k, v, anyOptions(masked)];
}

type FlexArguments = readonly [q: Tensor, k: Tensor, v: Tensor, options: FlexOptions<Captures>];

type AnyOptions = Omit<FlexOptions, 'captures'> & { readonly captures?: Captures };

const anyOptions = (options: AnyOptions): FlexOptions<Captures> => options as FlexOptions<Captures>;

type Lengths = Pick<FlexOptions, 'align' | 'cuSeqlensQ' | 'cuSeqlensK' | 'seqUsedK' | 'blockTable'>;

/** Makes the BlockMask of a problem's maskMod from its lengths, or that of its lists. */
function blockMaskOf(
  scope: Scope,
  problem: FlexProblem,
  { maskMod, captures }: AnyMods,
  lengths: Lengths,
  blockSize: number | readonly [q: number, k: number],
): BlockMask {
  const { gpu } = scope;
  const { align, cuSeqlensQ, cuSeqlensK, seqUsedK, blockTable } = lengths;
  const dense = problem.q.shape.length === 4;
  const options = {
    blockSize,
    H: headsOf(problem).query,
    ...(dense && { B: extent(problem.q, 0) }),
    // Lk follows from lengths that the host knows.
    ...((dense || 'gpu' in (cuSeqlensQ ?? {})) && { Lk: mostKeys(problem) }),
    Lq: extent(problem.q, dense ? 2 : 0),
    ...(align && { align }),
    ...(cuSeqlensQ && { cuSeqlensQ }),
    ...(cuSeqlensK && { cuSeqlensK }),
    ...(seqUsedK && { seqUsedK }),
    ...(blockTable && { blockTable }),
    ...(captures && { captures }),
  };
  if (problem.blocks) {
    const listed = { ...options, ...(maskMod && { maskMod }) } as BlockListOptions<Captures>;
    return BlockMask.fromBlocks(gpu, uploadLists(scope, problem.blocks), listed);
  }
  if (maskMod === undefined) throw new Error('blockMaskOf: the pair has no maskMod');
  return createBlockMask(gpu, maskMod, options as BlockMaskOptions);
}

/** Returns the keys of a dense problem, the key rows of a packed one, or the keys that one row of the block table can address. */
function mostKeys({ q, k, blockTable, seqUsedK }: ReferenceProblem): number {
  if (q.shape.length === 4) return extent(k, 2);
  if (blockTable === undefined) return extent(k, 0);
  return (blockTable.length / (seqUsedK?.length ?? 1)) * extent(k, 1);
}
