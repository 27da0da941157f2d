import { DisposedError, type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  type AttentionPlan,
  type AttentionRecording,
  type AttentionTensors,
  planAttention,
} from '@heed/kernels-wgsl';
import { bits, type Qkv, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 12, 64);
});

const dense = { layout: 'dense', q: [2, 4, 3, 64], k: [2, 2, 90, 64] } as const;
const paged = { layout: 'paged', q: [3, 4, 64], k: [9, 16, 2, 64], numSplits: 2 } as const;

const integers = (values: readonly number[], shape = [values.length]): Tensor =>
  gpu.tensor(Int32Array.from(values), { shape });

/** Overwrites the elements of an i32 tensor, as the caller of a decoding loop does. */
const write = ({ buffer, byteOffset }: Tensor, ...values: number[]): void =>
  gpu.device.queue.writeBuffer(buffer, byteOffset, Int32Array.from(values));

/** Copies the elements of one tensor over those of another. */
function copy(from: Tensor, to: Tensor): void {
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(
    from.buffer,
    from.byteOffset,
    to.buffer,
    to.byteOffset,
    4 * from.shape.reduce((a, b) => a * b),
  );
  gpu.device.queue.submit([encoder.finish()]);
}

describe('recording.replay', () => {
  it.for([1, 3])(
    'gives the bits of run, for the contents of the moment, numSplits %i',
    async (numSplits) => {
      using plan = planAttention(gpu, { ...dense, numSplits });
      const tensors: AttentionTensors = {
        ...source.dense(2, 3, 90),
        causal: true,
        returnLse: true,
        returnMax: true,
      };
      using recording = plan.record(tensors);
      for (let i = 0; i < 2; i++) {
        copy(source.normal([2, 4, 3, 64]), tensors.q);
        recording.replay();
        const want = plan.run(tensors);
        const got = await bits(recording.out, recording.lse, recording.max);
        expect(got).toEqual(await bits(want.out, want.lse, want.max));
      }
    },
  );

  it('writes into the recorded out', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1 });
    const out = gpu.empty(dense.q);
    const tensors = source.dense(2, 3, 90);
    using recording = plan.record({ ...tensors, out });
    expect(recording.out).toBe(out);
    recording.replay();
    expect(await bits(out)).toEqual(await bits(plan.run(tensors).out));
  });

  it('creates no bind group and no buffer, writes none, and opens no error scope', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const seqUsedK = integers([90, 7]);
    using recording = plan.record({ ...source.dense(2, 3, 90), seqUsedK });
    recording.replay();
    await gpu.settled();
    const { device } = gpu;
    const spies = [
      vi.spyOn(device, 'createBindGroup'),
      vi.spyOn(device, 'createBuffer'),
      vi.spyOn(device, 'pushErrorScope'),
      vi.spyOn(device.queue, 'writeBuffer'),
    ];
    for (let i = 0; i < 3; i++) recording.replay();
    gpu.batch(() => recording.replay());
    const counts = spies.map((spy) => spy.mock.calls.length);
    spies.forEach((spy) => spy.mockRestore());
    expect(counts).toEqual([0, 0, 0, 0]);
  });

  it('joins an open batch, in order', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1 });
    const { q, k, v } = source.dense(2, 3, 90);
    const [once, twice] = [plan.run({ q, k, v }).out, gpu.empty(dense.q)];
    const want = plan.run({ q: once, k, v }).out;
    const between = gpu.empty(dense.q);
    using first = plan.record({ q, k, v, out: between });
    using second = plan.record({ q: between, k, v, out: twice });
    const submit = vi.spyOn(gpu.device.queue, 'submit');
    gpu.batch(() => {
      first.replay();
      second.replay();
    });
    const submits = submit.mock.calls.length;
    submit.mockRestore();
    expect(submits).toBe(1);
    expect(await bits(twice)).toEqual(await bits(want));
  });

  it('is one of many: two recordings of one plan share nothing', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const calls = [
      { ...source.dense(2, 3, 90), scale: 0.05 },
      { ...source.dense(2, 3, 90), scale: 0.5, causal: true },
    ];
    const recordings = calls.map((call) => plan.record(call));
    gpu.batch(() => recordings.forEach((recording) => recording.replay()));
    for (const [i, call] of calls.entries()) {
      expect(await bits(recordings[i]!.out)).toEqual(await bits(plan.run(call).out));
    }
    recordings.forEach((recording) => recording.dispose());
  });

  it('runs over nothing', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1 });
    using recording = plan.record(source.dense(2, 0, 9));
    recording.replay();
    await gpu.settled();
    expect(recording.out.shape).toEqual([2, 4, 0, 64]);
  });
});

describe('a seed', () => {
  // With sinks, which are in another buffer, so that every replay gathers them.
  it.for([false, true])('on the GPU is read anew by each replay, sinks %s', async (withSinks) => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1, dropout: true });
    const seed = gpu.tensor(Uint32Array.of(1, 2), { shape: [2] });
    const sinks = withSinks ? { sinks: source.normal([4]) } : {};
    const tensors = { ...source.dense(2, 3, 90), ...sinks };
    using recording = plan.record({ ...tensors, dropout: { rate: 0.5, seed } });
    for (const [low, high] of [
      [1, 2],
      [3, 0],
    ] as const) {
      write(seed, low, high);
      recording.replay();
      const dropout = { rate: 0.5, seed: low + high * 2 ** 32 };
      const want = plan.run({ ...tensors, dropout });
      expect(await bits(recording.out)).toEqual(await bits(want.out));
    }
  });
});

describe('lengths and tables', () => {
  const pages = (): Omit<Qkv, 'q'> => source.pages(9, 16);
  // One tensor, so that all lists are bound in place; and a tensor each, so that every replay gathers them.
  const together = (): Lists => {
    const all = integers([0, 1, 2, 3, 20, 1, 33, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const table = all.slice(0, 7, 16).reshape([3, 3]);
    return { cuSeqlensQ: all.slice(0, 0, 4), seqUsedK: all.slice(0, 4, 7), blockTable: table };
  };
  const apart = (): Lists => ({
    cuSeqlensQ: integers([0, 1, 2, 3]),
    seqUsedK: integers([20, 1, 33]),
    blockTable: integers([0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 3]),
  });
  interface Lists {
    readonly cuSeqlensQ: Tensor;
    readonly seqUsedK: Tensor;
    readonly blockTable: Tensor;
  }

  it.for([
    ['of one tensor', together],
    ['of several', apart],
  ] as const)('%s are read anew by each replay, as are pages', async ([, make]) => {
    using plan = planAttention(gpu, paged);
    const lists = make();
    const { q } = source.packed(3, 1);
    const shared = { q, ...pages(), causal: true, returnLse: true };
    using recording = plan.record({ ...shared, ...lists });
    for (const [used, table, cu] of [
      [
        [20, 1, 33],
        [0, 1, 2, 3, 4, 5, 6, 7, 8],
        [0, 1, 2, 3],
      ],
      [
        [21, 2, 34],
        [0, 1, 2, 3, 4, 5, 6, 7, 8],
        [0, 1, 2, 3],
      ],
      [
        [48, 0, 1],
        [8, 6, 4, -1, -1, -1, 2, -1, -1],
        [0, 1, 2, 3],
      ],
      [
        [17, 40, 5],
        [1, 1, -1, 7, 0, 5, 3, 3, 3],
        [0, 0, 3, 3],
      ],
    ] as const) {
      write(lists.seqUsedK, ...used);
      write(lists.blockTable, ...table);
      write(lists.cuSeqlensQ, ...cu);
      recording.replay();
      const want = plan.run({
        ...shared,
        cuSeqlensQ: Int32Array.from(cu),
        seqUsedK: Int32Array.from(used),
        blockTable: Int32Array.from(table),
      });
      expect(await bits(recording.out, recording.lse)).toEqual(await bits(want.out, want.lse));
    }
  });

  it.for([
    ['cuSeqlensQ', Int32Array.of(0, 1, 2, 3)],
    ['seqUsedK', Int32Array.of(20, 1, 33)],
    ['seqUsedK', BigInt64Array.of(20n, 1n, 33n)],
    ['blockTable', new Int32Array(9)],
  ] as const)('on the host are refused: %s', ([name, list]) => {
    using plan = planAttention(gpu, paged);
    const tensors = { q: source.packed(3, 1).q, ...pages(), ...apart(), [name]: list };
    expect(() => plan.record(tensors)).toThrow(ValidationError);
    expect(() => plan.record(tensors)).toThrow(
      new RegExp(
        `^plan\\.record: ${name} must be a tensor, .*; got Int32Array\\(\\d\\)\\. Upload it`,
      ),
    );
  });
});

describe('recording.encode', () => {
  it('puts a replay into a pass of the caller’s', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const tensors = source.dense(2, 3, 90);
    using recording = plan.record(tensors);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    recording.encode(pass);
    pass.end();
    const next = source.normal([2, 4, 3, 64]);
    copy(next, tensors.q);
    gpu.device.queue.submit([encoder.finish()]);
    expect(await bits(recording.out)).toEqual(await bits(plan.run({ ...tensors, q: next }).out));
    expect(() => recording.encode({} as never)).toThrow('pass must be a compute pass');
  });
});

describe('a recording', () => {
  const recorded = (
    change: Partial<AttentionTensors> = {},
  ): [AttentionRecording, AttentionTensors] => {
    using plan = planAttention(gpu, { ...dense, numSplits: 1, sinks: true });
    const tensors = { ...source.dense(2, 3, 90), sinks: source.normal([4]), ...change };
    return [plan.record(tensors), tensors];
  };

  it('outlives its plan', async () => {
    const [recording, tensors] = recorded();
    recording.replay();
    using plan: AttentionPlan = planAttention(gpu, { ...dense, numSplits: 1 });
    expect(await bits(recording.out)).toEqual(await bits(plan.run(tensors).out));
    recording.dispose();
  });

  it.for(['q', 'k', 'v', 'sinks', 'seqUsedK', 'out'] as const)(
    'says that %s was disposed',
    (name) => {
      const [recording, tensors] = recorded({
        seqUsedK: integers([90, 90]),
        out: gpu.empty(dense.q),
      });
      recording.replay();
      (tensors[name] as Tensor).dispose();
      expect(() => recording.replay()).toThrow(DisposedError);
      expect(() => recording.replay()).toThrow(/^recording\.replay: tensor "/);
      expect(() => recording.encode({} as never)).toThrow(/^recording\.encode: tensor "/);
      recording.dispose();
    },
  );

  it('is of no use once disposed, and its results stay', async () => {
    const [recording, tensors] = recorded();
    recording.replay();
    recording.dispose();
    recording.dispose();
    expect(() => recording.replay()).toThrow(/^recording\.replay: this recording was disposed/);
    using plan: AttentionPlan = planAttention(gpu, { ...dense, numSplits: 1 });
    expect(await bits(recording.out)).toEqual(await bits(plan.run(tensors).out));
  });

  it('says that a buffer of the caller’s was destroyed', async () => {
    const bytes = 4 * 2 * 4 * 3 * 64;
    const buffer = gpu.device.createBuffer({ size: bytes, usage: 0x80 });
    const q = gpu.wrap(buffer, { shape: dense.q, dtype: 'f32' });
    const [recording] = recorded({ q });
    recording.replay();
    await gpu.settled();
    buffer.destroy();
    recording.replay();
    await expect(gpu.settled()).rejects.toThrow('destroyed');
    recording.dispose();
  });

  it('made in a scope is disposed at its end, unless it is returned', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const tensors = source.dense(2, 3, 90);
    const { tensors: before } = gpu.memory();
    let lost: AttentionRecording | undefined;
    gpu.scope(() => {
      lost = plan.record(tensors);
    });
    expect(gpu.memory().tensors).toBe(before);
    expect(() => lost!.replay()).toThrow(DisposedError);
    const kept = gpu.scope(() => ({ step: plan.record(tensors) })).step;
    kept.replay();
    expect(await bits(kept.out)).toEqual(await bits(plan.run(tensors).out));
    kept.dispose();
  });

  it('is refused for tensors that do not fit the plan, by name', () => {
    expect(() => recorded({ softcap: 3 })).toThrow(/^plan\.record: this plan was made for hooks/);
    const plan = planAttention(gpu, dense);
    plan.dispose();
    expect(() => plan.record(source.dense(2, 3, 90))).toThrow(
      /^plan\.record: this plan was disposed/,
    );
  });
});
