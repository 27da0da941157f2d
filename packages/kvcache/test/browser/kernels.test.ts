// The same tests as in Node, on the browser's own WebGPU.
import '../gpu/kernels/append.test.ts';
import '../gpu/kernels/append-quantised.test.ts';
import '../gpu/kernels/pages.test.ts';
import '../gpu/kernels/pools.test.ts';
import '../gpu/kernels/rotary.test.ts';
