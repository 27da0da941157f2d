import type { DeltaConfig } from '../../../src/text/kernels/row-states.wgsl.ts';
import type { SumConfig } from '../../../src/text/kernels/shared-keys.wgsl.ts';
import type { FloatType, GradientOf } from '../../../src/text/parts/kinds.ts';
import type { BackwardConfig } from '../../../src/text/tiles/kernel-config.ts';
import { dims, gradientTiles, hooks, layouts, reads, writes } from './configs.ts';

const types = ['f32', 'f16'] as const;

/** Keys of their own, and those of several sequences, whose gradients are summed up afterwards. */
function resultTypes(of: GradientOf, q: FloatType, kv: FloatType): FloatType[] {
  if (of === 'tables') return ['f32'];
  return of === 'q' ? [q] : kv === 'f32' ? ['f32'] : ['f16', 'f32'];
}

/** Every path, unrolled or not × gradient × dtype × layout × access × hooks × head dims of a backward kernel. */
export const backwardConfigs: readonly BackwardConfig[] = gradientTiles
  .slice(0, 3)
  .flatMap((tile) =>
    (['q', 'kv', 'tables'] as const).flatMap((of) =>
      types.flatMap((qType) =>
        types.flatMap((kvType) =>
          layouts.flatMap(([lengths, keys]) =>
            // Gradients of tables need a hook that reads one.
            hooks.slice(of === 'tables' ? -1 : 0).flatMap((variant) =>
              dims.flatMap(([headDim, headDimV]) =>
                reads([headDim, headDimV]).flatMap((read) =>
                  resultTypes(of, qType, kvType).flatMap((resultType) =>
                    (of === 'tables'
                      ? (['scalar'] as const)
                      : writes(of === 'q' ? headDim : headDim | headDimV, resultType)
                    ).map((write) => ({
                      of,
                      qType,
                      kvType,
                      headDim,
                      headDimV,
                      lengths,
                      keys,
                      read,
                      resultType,
                      write,
                      hooks: variant,
                      tile,
                    })),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );

export const deltaConfigs: readonly DeltaConfig[] = types.flatMap((type) =>
  dims.flatMap(([, headDimV]) => reads([4, headDimV]).map((read) => ({ type, headDimV, read }))),
);

export const sumConfigs: readonly SumConfig[] = (['pages', 'batch'] as const).flatMap((owners) =>
  types.flatMap((resultType) =>
    dims.flatMap(([dim]) =>
      reads([4, dim]).flatMap((read) =>
        writes(dim, resultType).map((write) => ({ owners, dim, resultType, read, write })),
      ),
    ),
  ),
);
