import { openGpu } from '@heed/core';
import { runConformance } from '@heed/conformance';

const gpu = await openGpu(); // or openGpu({ device }) over your own GPUDevice
const report = await runConformance(gpu, {
  filter: 'merge/empty-with-empty', // parts of case ids, or a list of them; without it, all cases
  tier: 'quick',
  signal: AbortSignal.timeout(60_000),
  onProgress: ({ done, total, last }) => console.log(`${done}/${total}`, last.id, last.status),
});

console.log(report.counts); // { pass: 2, fail: 0, unsupported: 0 }
gpu.dispose();
