import { openGpu } from '@heed/core';
import { isFullRun, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { allCases } from '../../src/cases/all-cases.ts';
import { runCase } from '../../src/run/run-conformance.ts';
import { flexFaults } from './flex-faults.ts';
import { backwardFaults, type Fault, faults } from './kernel-faults.ts';
import { listedKeyFaults } from './listed-key-faults.ts';
import { dropoutFaults, learnedFaults, maxFaults, weightsFaults } from './option-faults.ts';
import { cacheFaults, quantisedFaults } from './page-faults.ts';
import { selectedFaults } from './selected-faults.ts';
import { patchedDevice } from './patched-device.ts';

/** A device that compiles patched WGSL, and the number of shaders that the patch has changed so far. */
interface FaultyDevice {
  readonly device: GPUDevice;
  readonly patched: () => number;
}

/** Wraps a device whose shaders contain the fault. */
function faultyDevice(sound: GPUDevice, { find, replace }: Fault): FaultyDevice {
  let patched = 0;
  const device = patchedDevice(sound, {
    code(text) {
      const code = text.replaceAll(new RegExp(find, 'g'), replace);
      if (code !== text) patched++;
      return code;
    },
  });
  return { device, patched: () => patched };
}

const lists = [
  faults,
  flexFaults,
  maxFaults,
  dropoutFaults,
  weightsFaults,
  learnedFaults,
  backwardFaults,
  quantisedFaults,
  cacheFaults,
  selectedFaults,
  listedKeyFaults,
];
const quick = [faults, flexFaults, backwardFaults, quantisedFaults, cacheFaults];
const seeded = isFullRun() ? lists.flat() : quick.map(([first]) => first!);

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
