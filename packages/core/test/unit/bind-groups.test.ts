import { describe, expect, it } from 'vitest';
import type { BufferRange } from '../../src/buffers/range.ts';
import { BindGroups, maxGroups } from '../../src/dispatch/bind-groups.ts';
import type { Dispatch, Kernel } from '../../src/dispatch/kernel.ts';

const newBuffer = (): GPUBuffer => ({}) as GPUBuffer;

const range = (buffer: GPUBuffer, offset = 0, size = 256): BufferRange => ({
  buffer,
  offset,
  size,
});

const newKernel = (): Kernel =>
  ({ label: 'k', source: { bindings: ['read', 'write', 'uniform'] } }) as unknown as Kernel;

function newGroups(): { groups: BindGroups; made: GPUBindGroupDescriptor[] } {
  const made: GPUBindGroupDescriptor[] = [];
  const createBindGroup = (descriptor: GPUBindGroupDescriptor): object => {
    made.push(descriptor);
    return {};
  };
  return { groups: new BindGroups({ createBindGroup } as unknown as GPUDevice), made };
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
const [x, y, params] = [newBuffer(), newBuffer(), newBuffer()];
const kernel = newKernel();
const first: Dispatch = { kernel, buffers: [range(x), range(y), range(params)], workgroups };

describe('BindGroups', () => {
  it('makes one group for equal dispatches, however their ranges came about', () => {
    const { groups, made } = newGroups();
    const group = groups.get(first);
    const again = { ...first, buffers: first.buffers.map((one) => ({ ...one })), label: 'other' };
    expect(groups.get(again)).toBe(group);
    expect(made).toHaveLength(1);
  });

  it('leaves the place of a uniform to dynamic offsets', () => {
    const { groups, made } = newGroups();
    const at = (offset: number): GPUBindGroup =>
      groups.get({ ...first, buffers: [range(x), range(y), range(params, offset)] });
    expect(at(512)).toBe(at(1024));
    const bound = [...made[0]!.entries].map(({ resource }) => (resource as BufferRange).offset);
    expect(bound).toEqual([0, 0, 0]);
  });

  it.for([
    ['another buffer', [range(newBuffer()), range(y), range(params)]],
    ['buffers exchanged', [range(y), range(x), range(params)]],
    ['another offset', [range(x, 256), range(y), range(params)]],
    ['another size', [range(x, 0, 512), range(y), range(params)]],
    ['another size of the uniform', [range(x), range(y), range(params, 0, 512)]],
    ['another uniform buffer', [range(x), range(y), range(newBuffer())]],
  ] as const)('makes another group for %s', ([, buffers]) => {
    const { groups, made } = newGroups();
    expect(groups.get({ ...first, buffers })).not.toBe(groups.get(first));
    expect(made).toHaveLength(2);
  });

  it('makes another group for another kernel', () => {
    const { groups } = newGroups();
    expect(groups.get({ ...first, kernel: newKernel() })).not.toBe(groups.get(first));
  });

  it('tells ranges apart whose hashes are equal', () => {
    const { groups, made } = newGroups();
    const of = (offset: number, size: number): GPUBindGroup =>
      groups.get({ ...first, buffers: [range(x), range(y, offset, size), range(params)] });
    // 31 · offset + size is the same for both.
    expect(of(0, 8448)).not.toBe(of(256, 512));
    expect(of(256, 512)).toBe(of(256, 512));
    expect(made).toHaveLength(2);
  });

  it('does not take a list that was changed since for the one that it bound', () => {
    const { groups } = newGroups();
    const buffers = [range(x), range(y), range(params)];
    const group = groups.get({ ...first, buffers });
    buffers[0] = range(x, 256);
    expect(groups.get({ ...first, buffers })).not.toBe(group);
  });

  it('starts anew when it is full', () => {
    const { groups, made } = newGroups();
    const at = (i: number): GPUBindGroup =>
      groups.get({ ...first, buffers: [range(x, i * 256), range(y), range(params)] });
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
    const groups = new BindGroups(device);
    const bind = (): WeakRef<object>[] => {
      const buffers = [range(x), range(newBuffer()), range(params)];
      return [new WeakRef(groups.get({ ...first, buffers })), new WeakRef(buffers[1]!.buffer)];
    };
    const dropped = bind();
    const kept = new WeakRef(groups.get(first));
    // What a WeakRef was made of in this turn lives as long as the turn.
    await new Promise((resolve) => setTimeout(resolve));
    collectGarbage();
    expect(dropped.map((ref) => ref.deref())).toEqual([undefined, undefined]);
    expect(kept.deref()).toBe(groups.get(first));
  });
});
