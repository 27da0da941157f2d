import { defineConfig } from 'tsdown';
import { library } from '../../tsdown.base.ts';

export default defineConfig(
  library(['src/index.ts', 'src/mods/index.ts', 'src/masks/index.ts', 'src/catalogue.ts']),
);
