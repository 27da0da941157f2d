import { openGpu } from '@heed/core';
import { allCases } from '../../src/cases/all-cases.ts';
import { runCase } from '../../src/run/run-conformance.ts';
import { isFullRun, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { backwardFaults } from './backward-faults.ts';
import { cacheFaults } from './cache-faults.ts';
import { faults } from './faults.ts';
import { faultyDevice } from './faulty-device.ts';
import { flexFaults } from './flex-faults.ts';
import { quantisedFaults } from './quantised-faults.ts';

const seeded = [faults, flexFaults, backwardFaults, quantisedFaults, cacheFaults].flatMap((list) =>
  isFullRun() ? list : list.slice(0, 2),
);

describe('a kernel in which', () => {
  it.for(seeded)('$name is caught by $caughtBy', async (fault) => {
    const named = allCases.find((c) => c.id === fault.caughtBy);
    if (named === undefined) throw new Error(`there is no case ${fault.caughtBy}`);
    const { device, patched } = faultyDevice((await testGpu()).device, fault);
    using gpu = await openGpu({ device, label: 'faulty' });
    const report = await runCase(gpu, named);
    expect(patched(), 'the pattern is in no shader that the case uses').toBeGreaterThan(0);
    expect(report.status).toBe('fail');
    expect(report.report, 'the kernel no longer compiles or runs').toMatch(/elements off|is now/);
  });
});
