import { defineConfig } from 'tsdown';
import { library } from '../../tsdown.base.ts';

const entries = library([
  'src/index.ts',
  'src/browser.ts',
  'src/events.ts',
  'src/http.ts',
  'src/names.ts',
  'src/node.ts',
]);

// Only what src/node.ts imports has any (test/unit/entries.test.ts).
export default defineConfig(
  entries.map((config) => ({ ...config, deps: { neverBundle: [/^node:/] } })),
);
