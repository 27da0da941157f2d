import type { CatalogueEntry } from './examples/catalogue-entry.ts';
import { maskEntries } from './examples/mask-entries.ts';
import { modEntries } from './examples/mod-entries.ts';

export {
  type CatalogueEntry,
  type ExampleCaptures,
  type ExampleCase,
  type ExamplePicture,
  type ExampleTable,
  tableElements,
  type Tightness,
} from './examples/catalogue-entry.ts';

/** Every mod and mask of `@heed/flex/mods` and `@heed/flex/masks`, the mods first. */
export const catalogue: readonly CatalogueEntry[] = Object.entries({
  ...modEntries,
  ...maskEntries,
}).map(([name, entry]) => ({ name, ...entry }));
