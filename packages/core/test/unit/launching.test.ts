import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BindGroups, createGroupOn, maxGroups } from '../../src/host/bind-groups.ts';
import { foldGrid } from '../../src/host/dispatch.ts';
import { ParamRanges } from '../../src/host/param-ranges.ts';
import type { BufferRange } from '../../src/text/buffer-range.ts';
import { LimitError, ValidationError } from '../../src/text/errors.ts';
import type { Dispatch, Kernel } from '../../src/text/kernel-dispatch.ts';
import { FakeDevice } from './fake-device.ts';

const newBuffer = (size = 2 ** 20): GPUBuffer => ({ size }) as GPUBuffer;

const maxSize = 2 ** 19;

const range = (buffer: GPUBuffer, offset = 0, size = 256): BufferRange => ({
  buffer,
  offset,
  size,
});

const newKernel = (readsToEnd = false): Kernel => {
  const source = { bindings: ['read', 'write', 'uniform'], readsToEnd };
  return { label: 'k', source } as unknown as Kernel;
};

const groupOf = (groups: BindGroups, d: Dispatch): GPUBindGroup => groups.get(d).group;

interface Made {
  readonly groups: BindGroups;
  readonly all: ParamRanges;
  readonly made: GPUBindGroupDescriptor[];
  readonly fake: FakeDevice;
}

function newGroups(): Made {
  const made: GPUBindGroupDescriptor[] = [];
  const fake = new FakeDevice();
  const device = fake.asDevice();
  device.createBindGroup = (descriptor) => {
    made.push(descriptor);
    return {} as GPUBindGroup;
  };
  const all = new ParamRanges(device);
  return { groups: new BindGroups(all, createGroupOn(device), maxSize), all, made, fake };
}

function submit({ all }: Made): void {
  all.flush();
  all.submitted();
}

interface NodeModules {
  getBuiltinModule(id: 'node:v8'): { setFlagsFromString(flags: string): void };
  getBuiltinModule(id: 'node:vm'): { runInNewContext(code: string): unknown };
}

function collectGarbage(): void {
  const { process } = globalThis as unknown as { process: NodeModules };
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  (process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void)();
}

const workgroups = [1, 1, 1] as const;
const [x, y] = [newBuffer(), newBuffer()];
const kernel = newKernel();
const params = Uint32Array.of(1, 2, 3, 4);
const first: Dispatch = { kernel, buffers: [range(x), range(y)], params, workgroups };

describe('BindGroups', () => {
  it('makes one group for equal dispatches, however their ranges came about', () => {
    const { groups, made } = newGroups();
    const group = groupOf(groups, first);
    const again = { ...first, buffers: first.buffers.map((one) => ({ ...one })), label: 'other' };
    expect(groupOf(groups, again)).toBe(group);
    expect(made).toHaveLength(1);
  });

  it.for([
    ['another buffer', [range(newBuffer()), range(y)]],
    ['buffers exchanged', [range(y), range(x)]],
    ['another offset', [range(x, 256), range(y)]],
    ['another size', [range(x, 0, 512), range(y)]],
    ['another size of a written range', [range(x), range(y, 0, 512)]],
  ] as const)('makes another group for %s', ([, buffers]) => {
    const { groups, made } = newGroups();
    expect(groupOf(groups, { ...first, buffers })).not.toBe(groupOf(groups, first));
    expect(made).toHaveLength(2);
  });

  it('binds what a kernel reads to the end, as far as a binding reaches, if the kernel allows it', () => {
    const { groups, made } = newGroups();
    const open = newKernel(true);
    const reading = (offset: number, size: number, buffer = x): GPUBindGroup =>
      groupOf(groups, { ...first, kernel: open, buffers: [range(buffer, offset, size), range(y)] });
    const bound = (): unknown => [...made.at(-1)!.entries][0]!.resource;
    const group = reading(0, 4);
    expect(bound()).toEqual({ buffer: x, offset: 0, size: maxSize });
    for (const size of [256, maxSize, 16]) expect(reading(0, size)).toBe(group);
    reading(2 ** 20 - 256, 4);
    expect(bound()).toMatchObject({ size: 256 });
    // WebGPU binds whole words; a buffer of the caller need not have them.
    const odd = newBuffer(21);
    expect(reading(0, 4, odd)).toBe(reading(0, 20, odd));
    expect(bound()).toMatchObject({ size: 20 });
    expect(made).toHaveLength(3);
  });

  it('refuses to read and write one buffer', () => {
    const { groups, made } = newGroups();
    expect(() => groupOf(groups, { ...first, buffers: [range(x), range(x, 256)] })).toThrow(
      /would read \(binding 0\) and write \(binding 1\) one buffer/,
    );
    expect(made).toHaveLength(0);
  });

  it('makes another group for another kernel', () => {
    const { groups } = newGroups();
    expect(groupOf(groups, { ...first, kernel: newKernel() })).not.toBe(groupOf(groups, first));
  });

  it('tells ranges apart whose hashes are equal', () => {
    const { groups, made } = newGroups();
    const of = (offset: number, size: number): GPUBindGroup =>
      groupOf(groups, { ...first, buffers: [range(x), range(y, offset, size)] });
    // 31 · offset + size is the same for both.
    expect(of(0, 8448)).not.toBe(of(256, 512));
    expect(of(256, 512)).toBe(of(256, 512));
    expect(made).toHaveLength(2);
  });

  it('does not take a list that was changed since for the one that it bound', () => {
    const { groups } = newGroups();
    const buffers = [range(x), range(y)];
    const group = groupOf(groups, { ...first, buffers });
    buffers[0] = range(x, 256);
    expect(groupOf(groups, { ...first, buffers })).not.toBe(group);
  });

  it('starts anew when it is full', () => {
    const { groups, made } = newGroups();
    const at = (i: number): GPUBindGroup =>
      groupOf(groups, { ...first, buffers: [range(x, i * 256), range(y)] });
    const [zero] = Array.from({ length: maxGroups }, (_, i) => at(i));
    expect(at(0)).toBe(zero);
    expect(made).toHaveLength(maxGroups);
    at(maxGroups);
    expect(at(0)).not.toBe(zero);
    expect(at(maxGroups)).toBe(at(maxGroups));
    expect(made).toHaveLength(maxGroups + 2);
  });

  it('keeps no buffer alive', async () => {
    const device = { createBindGroup: () => ({}) } as unknown as GPUDevice;
    const groups = new BindGroups(new ParamRanges(device), createGroupOn(device), maxSize);
    const { params: _, ...bare } = first;
    const bind = (): WeakRef<object>[] => {
      const buffers = [range(x), range(newBuffer())];
      return [new WeakRef(groupOf(groups, { ...bare, buffers })), new WeakRef(buffers[1]!.buffer)];
    };
    const dropped = bind();
    const kept = new WeakRef(groupOf(groups, bare));
    // The target of a WeakRef stays alive until the end of the turn that created the WeakRef.
    await new Promise((resolve) => setTimeout(resolve));
    collectGarbage();
    expect(dropped.map((ref) => ref.deref())).toEqual([undefined, undefined]);
    expect(kept.deref()).toBe(groupOf(groups, bare));
  });
});

describe('parameters', () => {
  const at = (made: Made, value: number): GPUBindGroup =>
    groupOf(made.groups, { ...first, params: Uint32Array.of(value, 0, 0, 0) });

  it('are written once while they stay the same', () => {
    const made = newGroups();
    for (let i = 0; i < 3; i++) {
      groupOf(made.groups, first);
      submit(made);
    }
    expect(made.fake.writes).toEqual([{ label: 'heed parameters 0', offset: 0, size: 16 }]);
    expect(new Uint32Array(made.fake.buffers[0]!.bytes.buffer).slice(0, 4)).toEqual(params);
  });

  it('go over those that have been submitted', () => {
    const made = newGroups();
    const group = at(made, 1);
    submit(made);
    expect(at(made, 2)).toBe(group);
    submit(made);
    expect(made.fake.writes).toHaveLength(2);
    expect(made.fake.buffers[0]!.bytes[0]).toBe(2);
  });

  it('have groups and places of their own in one submit, which serve again in the next', () => {
    const made = newGroups();
    const step = (from: number): GPUBindGroup[] => {
      const groups = [0, 1, 2, 0].map((value) => at(made, from + value));
      submit(made);
      return groups;
    };
    const groups = step(10);
    expect(new Set(groups).size).toBe(3);
    expect(groups[3]).toBe(groups[0]);
    expect(step(20)).toEqual(groups);
    expect(step(20)).toEqual(groups);
    expect(made.made).toHaveLength(3);
    expect(made.fake.writes).toHaveLength(2);
    const offsets = made.made.map(({ entries }) => [...entries].at(-1)!.resource);
    expect(offsets).toMatchObject([0, 256, 512].map((offset) => ({ offset, size: 16 })));
  });

  it('of a step that is now shorter are found from its beginning', () => {
    const made = newGroups();
    for (const value of [1, 2, 3]) at(made, value);
    submit(made);
    for (const value of [1, 2]) at(made, value);
    submit(made);
    for (const value of [1, 2]) at(made, value);
    submit(made);
    expect(made.fake.writes).toHaveLength(1);
  });

  it('take another chunk when one is full, of which only what changed is written', () => {
    const made = newGroups();
    for (let i = 0; i < 300; i++) at(made, i);
    submit(made);
    expect(made.fake.writes.map(({ label }) => label)).toEqual([
      'heed parameters 0',
      'heed parameters 1',
    ]);
    for (let i = 0; i < 299; i++) at(made, i);
    at(made, 1000);
    submit(made);
    expect(made.fake.writes.slice(2)).toEqual([
      { label: 'heed parameters 1', offset: 43 * 256, size: 16 },
    ]);
  });

  it('outlive the forgetting of all groups until their submit', () => {
    const made = newGroups();
    at(made, 7);
    made.groups.clear();
    made.all.flush();
    expect(made.fake.buffers[0]).toMatchObject({ destroyed: false });
    expect(made.fake.buffers[0]!.bytes[0]).toBe(7);
    made.all.submitted();
    expect(made.fake.buffers[0]).toMatchObject({ destroyed: true });
  });
});

describe('foldGrid', () => {
  it('covers the count within the limit, and wastes less than a row', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65535 ** 2 }),
        fc.constantFrom(65535, 1000),
        (total, max) => {
          fc.pre(total <= max * max);
          const [columns, rows, depth] = foldGrid(total, max);
          expect(columns).toBeLessThanOrEqual(max);
          expect(rows).toBeLessThanOrEqual(max);
          expect(depth).toBe(1);
          expect(columns * rows).toBeGreaterThanOrEqual(total);
          expect(columns * rows - total).toBeLessThan(rows);
        },
      ),
    );
  });

  it.each([
    [0, [0, 1, 1]],
    [10, [10, 1, 1]],
    [11, [6, 2, 1]],
    [100, [10, 10, 1]],
  ])('%i with 10 a dimension is %j', (total, grid) => {
    expect(foldGrid(total, 10)).toEqual(grid);
  });

  it('refuses more than two dimensions hold', () => {
    expect(() => foldGrid(101, 10)).toThrow(LimitError);
  });

  it.each([-1, 0.5, NaN, Infinity])('refuses %d', (total) => {
    expect(() => foldGrid(total, 10)).toThrow(ValidationError);
  });
});
