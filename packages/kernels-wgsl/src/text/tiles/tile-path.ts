import type { Capabilities, Limits } from '@heed/core';
import type { CascadePass } from '../parts/cascade.wgsl.ts';
import type { FloatType, GradientOf, KeyType, RowKind, TileShape } from '../parts/kinds.ts';
import type { AnyTile, ForwardConfig } from './kernel-config.ts';

/** Use of a tile: the rows of a forward kernel, or the gradients of a backward kernel. */
export type TileUse = RowKind | GradientOf;

/** The kernel of a tile: the forward pass, or that of a gradient. */
type TileKernel = 'forward' | GradientOf;

/** Dqk and Dv. */
export type HeadDims = Pick<ForwardConfig, 'headDim' | 'headDimV'>;

/** Requirements that decide whether a device can run a tile. */
export interface TileNeeds extends HeadDims {
  readonly qType: FloatType;
  readonly kvType: KeyType;
  /** Of v, where it is not that of k. */
  readonly vType?: KeyType;
  /** Forward: whether a gradient follows. Default false. */
  readonly keepsStates?: boolean;
  /** Whether the keys of a tile come from a list. */
  readonly isSelected?: boolean;
  /** Whether the kernel is a pass over sequences that begin with the same pages. */
  readonly pass?: CascadePass | undefined;
}

/** What the default tiles of a path may depend on. */
export interface TileProblem extends TileNeeds {
  /** Query rows that read the same keys: the query heads of a kv head, times their positions if sizes may select a tile. */
  readonly groupRows: number;
}

/** The tiles of a path: their geometry, their limits, and the tiles to try. */
export interface TileClass<Tile extends AnyTile> {
  /** Returns the WGSL extensions that the text of a tile's kernels needs. */
  enables(tile: Tile): readonly string[];
  /** Query rows and keys per tile. */
  shape(tile: Tile): TileShape;
  /** @returns why a device cannot run a kernel, or undefined if it can */
  cannot(
    tile: Tile,
    capabilities: Capabilities,
    kernel: TileKernel,
    needs: TileNeeds,
  ): string | undefined;
  /** Whether the path is chosen without being forced. */
  isDefault(use: TileUse, capabilities: Capabilities): boolean;
  /**
   * Returns the tiles to try when none is tuned, best first; for a device that can run none, returns one whose reason
   * `cannot` gives.
   */
  defaults(use: TileUse, capabilities: Capabilities, problem: TileProblem): readonly Tile[];
  /** Whether kernels that the path cannot run take the default path when the path is forced. By default they are refused. */
  fallsBack?(capabilities: Capabilities): boolean;
  /** Whether its kernels load 16-bit floats eight elements at a time where the memory layout allows it. */
  readonly readsWide?: boolean;
  /** Whether its forward kernels read memory once that k and v share. */
  readonly sharesKv?: boolean;
  /** Returns the parameter `key_turns`: passes over the keys of a tile, or the teams that share them. Default 1. */
  keyTurns?(tile: Tile): number;
  /** Returns the workgroups that compute dk and dv of one tile of keys. Default 1. */
  keyWorkgroups?(tile: Tile, dims: HeadDims): number;
}

/** A tile path: how a workgroup computes the products and sums of a tile. */
export interface TilePathOf<Tile extends AnyTile> extends TileClass<Tile> {
  /** Returns the entry point of a forward kernel. */
  forward(config: ForwardConfig, tile: Tile): string;
  /** Whether it has backward kernels (text/kernels/backward.wgsl.ts lists them); without them, gradients take the default path. */
  readonly hasBackward: boolean;
}

/** Returns queries and keys per tile of a backward kernel. The rows of a path's tile are the rows whose gradient is computed. */
export function gradientShape(of: GradientOf, { tileM, tileN }: TileShape): TileShape {
  return of === 'kv' ? { tileM: tileN, tileN: tileM } : { tileM, tileN };
}

/** @returns which limit of the device a workgroup with that much memory exceeds, or undefined */
export function workgroupExceeds(
  { bytes, threads }: { readonly bytes: number; readonly threads: number },
  limits: Limits,
): string | undefined {
  if (bytes > limits.maxComputeWorkgroupStorageSize) {
    return `its tiles take ${bytes} bytes of workgroup memory; the device has ${limits.maxComputeWorkgroupStorageSize}`;
  }
  if (threads > limits.maxComputeInvocationsPerWorkgroup) {
    return `it needs ${threads} threads; the device allows ${limits.maxComputeInvocationsPerWorkgroup}`;
  }
  return undefined;
}
