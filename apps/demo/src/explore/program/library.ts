import { andMasks, bind, f32, i32, notMask, orMasks } from '@heed/flex';
import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';

type Named = Readonly<Record<string, Function>>;

/** What a text may import, by module. */
export const library: Readonly<Record<string, Named>> = {
  '@heed/flex': { andMasks, bind, f32, i32, notMask, orMasks },
  '@heed/flex/mods': mods,
  '@heed/flex/masks': masks,
};

/** Names that a constant may call; a mod is only passed on. */
export const callable: ReadonlySet<unknown> = new Set(Object.values(library['@heed/flex']!));
