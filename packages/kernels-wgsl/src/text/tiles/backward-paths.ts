import type { AnyTile, BackwardConfig } from './kernel-config.ts';
import { portableBackward } from './portable-backward.wgsl.ts';
import { subgroupBackward } from './subgroup-backward.wgsl.ts';

interface BackwardPath {
  main(config: BackwardConfig, tile: AnyTile): string;
}

/** The backward kernels of the tile paths. They are apart from `tilePaths`, so that a bundle of the forward pass has none. */
const backwardPaths: Readonly<Record<string, BackwardPath>> = {
  subgroup: { main: subgroupBackward },
  portable: { main: portableBackward },
};

/** The entry point of a backward kernel. */
export function backwardMain(config: BackwardConfig): string {
  return backwardPaths[config.tile.path]!.main(config, config.tile);
}
