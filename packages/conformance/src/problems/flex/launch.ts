import type { Gpu, Tensor } from '@heed/core';
import {
  type BlockMask,
  type BlockMaskOptions,
  type Captures,
  createBlockMask,
  flexAttention,
  type FlexOptions,
  type MaskMod,
} from '@heed/flex';
import type { AttentionResult } from '@heed/kernels-wgsl';
import type { FloatDType } from '../../numerics/storage.ts';
import { extent } from '../../reference/nd-array.ts';
import type { AttentionState, Problem } from '../../reference/problem.ts';
import { headsOf } from '../../reference/sequences.ts';
import { collect, type LaunchOptions, lengthsOf, upload } from '../launch.ts';
import { Scope } from '../scope.ts';
import type { AnyMods, FlexProblem } from './pair.ts';
import { uploadTable } from './tables.ts';

/** How a problem with mods is put before flexAttention. */
export interface FlexLaunchOptions extends LaunchOptions {
  /** Hands the mask over as a BlockMask of this block size, instead of as a maskMod. */
  readonly blockSize?: number | readonly [q: number, k: number];
  /** With `blockSize` and `gpuLengths`: the BlockMask is made from the lengths of this problem, as if they had changed since. */
  readonly madeFor?: Problem;
  /** With `blockSize`: this mask beside it. Both have to hold. */
  readonly beside?: MaskMod<never>;
}

/** Runs a problem with its mods on the GPU and reads both results back. Frees what it made. */
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

/** Uploads a problem's tensors and tables, and makes the one call that computes it. */
export function flexCall(
  scope: Scope,
  problem: FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): AttentionResult {
  return flexAttention(...flexArguments(scope, problem, dtype, options));
}

/** What flexAttention takes for a problem with mods. */
export function flexArguments(
  scope: Scope,
  problem: FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): FlexArguments {
  // How exact a mod is, is for the judge to know.
  const { scoreError: _, ...mods } = problem.pair((host) => uploadTable(scope, host));
  const { q, k, v, ...rest } = upload(
    scope,
    { ...problem, options: problem.plainOptions },
    dtype,
    options,
  );
  const { blockSize, beside, madeFor } = options;
  if (blockSize === undefined) return [q, k, v, anyOptions({ ...rest, ...mods })];
  const made = madeFor ? { ...rest, ...lengthsOf(scope, madeFor, options) } : rest;
  const blockMask = scope.own(blockMaskOf(scope.gpu, problem, mods, made, blockSize));
  const { scoreMod, captures } = mods;
  const given = {
    ...rest,
    ...(scoreMod && { scoreMod }),
    ...(captures && { captures }),
    ...(beside && { maskMod: beside }),
    blockMask,
  };
  return [q, k, v, anyOptions(given)];
}

type FlexArguments = readonly [q: Tensor, k: Tensor, v: Tensor, options: FlexOptions<Captures>];

type AnyOptions = Omit<FlexOptions, 'captures'> & { readonly captures?: Captures };

const anyOptions = (options: AnyOptions): FlexOptions<Captures> => options as FlexOptions<Captures>;

type Lengths = Pick<FlexOptions, 'align' | 'cuSeqlensQ' | 'cuSeqlensK' | 'seqUsedK' | 'blockTable'>;

/** The BlockMask of a problem's maskMod, from the same lengths. */
export function blockMaskOf(
  gpu: Gpu,
  problem: Problem,
  { maskMod, captures }: AnyMods,
  lengths: Lengths,
  blockSize: number | readonly [q: number, k: number],
): BlockMask {
  if (maskMod === undefined) throw new Error('blockMaskOf: the pair has no maskMod');
  const { align, cuSeqlensQ, cuSeqlensK, seqUsedK, blockTable } = lengths;
  const dense = problem.q.shape.length === 4;
  const options = {
    blockSize,
    H: headsOf(problem).query,
    ...(dense && { B: extent(problem.q, 0) }),
    // What the host can read off the lengths, it need not be told.
    ...((dense || 'gpu' in (cuSeqlensQ ?? {})) && { Lk: mostKeys(problem) }),
    Lq: extent(problem.q, dense ? 2 : 0),
    ...(align && { align }),
    ...(cuSeqlensQ && { cuSeqlensQ }),
    ...(cuSeqlensK && { cuSeqlensK }),
    ...(seqUsedK && { seqUsedK }),
    ...(blockTable && { blockTable }),
    ...(captures && { captures }),
  };
  return createBlockMask(gpu, maskMod, options as BlockMaskOptions);
}

/** Keys of a dense problem, key rows of a packed one, keys that a row of the block table can address. */
function mostKeys({ q, k, blockTable, seqUsedK }: Problem): number {
  if (q.shape.length === 4) return extent(k, 2);
  if (blockTable === undefined) return extent(k, 0);
  return (blockTable.length / (seqUsedK?.length ?? 1)) * extent(k, 1);
}
