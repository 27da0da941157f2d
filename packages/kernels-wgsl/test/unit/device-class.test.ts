import type { Capabilities } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { deviceClass } from '../../src/text/tiles/device-class.ts';
import { capabilities } from './facts.ts';

type Named = Partial<Capabilities['adapter']>;

const classOf = (adapter: Named, subgroups?: Capabilities['subgroups']): string => {
  const names = {
    vendor: '',
    architecture: '',
    device: '',
    description: '',
    isFallbackAdapter: false,
  };
  return deviceClass({ ...capabilities({ subgroups }), adapter: { ...names, ...adapter } }).name;
};

describe('the class of a device', () => {
  it.for<[Named, string]>([
    [{ vendor: 'mesa', architecture: 'software' }, 'llvmpipe'],
    [{ vendor: 'google', architecture: 'swiftshader' }, 'software'],
    [{ description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, 'llvmpipe'],
    [{ vendor: 'microsoft', architecture: 'warp' }, 'software'],
    [{ vendor: 'nvidia', architecture: 'lovelace' }, 'NVIDIA'],
    [{ vendor: '4318', description: 'NVIDIA H200' }, 'NVIDIA'],
    [{ vendor: 'amd', architecture: 'rdna-3' }, 'AMD RDNA'],
    [{ vendor: 'amd', architecture: 'gcn-5' }, 'AMD GCN'],
    [{ vendor: 'amd', architecture: 'cdna-1' }, 'AMD GCN'],
    [{ description: 'AMD Radeon RX Vega' }, 'AMD GCN'],
    [{ vendor: 'apple', architecture: 'metal-3' }, 'Apple'],
    [{ vendor: 'intel', architecture: 'xe-2lpg' }, 'Intel'],
    [{ vendor: 'qualcomm', architecture: 'adreno-7xx' }, 'mobile'],
    [{ vendor: 'arm', architecture: 'valhall' }, 'mobile'],
    [{ description: 'a charm of warped farms' }, 'unknown GPU'],
    [{}, 'unknown GPU'],
  ])('is known by its names: %o is %s', ([adapter, name]) => {
    expect(classOf(adapter)).toBe(name);
  });

  it('is software where WebGPU says so, whatever the vendor', () => {
    expect(classOf({ vendor: 'nvidia', isFallbackAdapter: true })).toBe('software');
    expect(classOf({ vendor: 'mesa', architecture: 'software', isFallbackAdapter: true })).toBe(
      'llvmpipe',
    );
  });

  it('does not follow from narrow subgroups: some GPUs have them', () => {
    expect(classOf({ vendor: 'arm', architecture: 'bifrost-3' }, { min: 4, max: 4 })).toBe(
      'mobile',
    );
    expect(classOf({}, { min: 8, max: 8 })).toBe('unknown GPU');
  });

  it('tells AMD’s generations apart by their subgroups where a driver does not name them', () => {
    expect(classOf({ vendor: 'amd' }, { min: 64, max: 64 })).toBe('AMD GCN');
    expect(classOf({ vendor: 'amd' }, { min: 32, max: 64 })).toBe('AMD RDNA');
  });
});
