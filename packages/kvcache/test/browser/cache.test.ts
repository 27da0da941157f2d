// The same tests as in Node, on the browser's own WebGPU.
import '../gpu/cache/attention.test.ts';
import '../gpu/cache/stores.test.ts';
import '../gpu/cache/views.test.ts';
