import { sameBits } from '../budget/output-checks.ts';
import { Scope, download, uploadArray } from '../problems/case-tensors.ts';
import { generate } from '../reference/nd-array.ts';
import { type Case, defineCase } from './case.ts';

const reads = 10;

/** Each read is of what was written just before. Records the time, which decides nothing. */
export const readCases: readonly Case[] = defineCase('reads', 'ten-in-a-row', {
  dtypes: ['f32'],
  tags: ['browser'],
  async run(gpu, dtype) {
    const scope = new Scope(gpu);
    try {
      const checks = [];
      const started = performance.now();
      for (let n = 0; n < reads; n++) {
        const want = generate([64], (i) => 64 * n + i);
        checks.push(sameBits(`read ${n}`, await download(uploadArray(scope, want, dtype)), want));
      }
      const ms = performance.now() - started;
      return { checks, note: `${reads} reads in a row: ${ms.toFixed(0)} ms` };
    } finally {
      scope.dispose();
    }
  },
});
