import { findChromium, findFirefox } from './browser.mjs';
import { findNaga } from './deno.mjs';

/** Engines beside Node's that `npm run conformance -- --engine NAME` runs on, and how each is found: as an adapter. */
export const engines = { naga: findNaga, firefox: findFirefox, chromium: findChromium };
