// The same tests as in Node, on the browser's own WebGPU.
import '../gpu/bind.test.ts';
import '../gpu/dispatch.test.ts';
import '../gpu/faults.test.ts';
import '../gpu/open.test.ts';
import '../gpu/profile.test.ts';
import '../gpu/scope.test.ts';
import '../gpu/tensor.test.ts';
import '../gpu/try-empty.test.ts';
import '../gpu/view.test.ts';
