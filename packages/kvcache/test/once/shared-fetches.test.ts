import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KvStore, memoryStore } from '../../src/index.ts';
import { SharedFetches } from '../../src/stores/shared-fetches.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const MiB = 2 ** 20;

/** A store whose answers wait until they are released. */
class Gate {
  readonly asked: string[] = [];
  readonly aborted: string[] = [];
  readonly #waiting = new Map<string, () => void>();
  readonly store: KvStore = {
    ...memoryStore(),
    getMany: (keys, options) => {
      this.asked.push(keys.join());
      options!.signal!.addEventListener('abort', () => this.aborted.push(keys.join()));
      return new Promise((resolve) => {
        this.#waiting.set(keys.join(), () =>
          resolve(keys.map((key) => new TextEncoder().encode(key))),
        );
      });
    },
  };

  answer(keys: string): void {
    this.#waiting.get(keys)!();
  }
}

const textOf = async (value: Promise<Uint8Array | undefined>): Promise<string> =>
  new TextDecoder().decode(await value);

describe('SharedFetches', () => {
  it('requests a key once, and only while somebody waits', async () => {
    const gate = new Gate();
    const fetches = new SharedFetches(gpu, gate.store);
    const first = fetches.fetch(['a', 'b'], undefined, 1);
    const second = fetches.fetch(['b', 'c', 'b'], undefined, 1);
    expect(gate.asked).toEqual(['a,b', 'c']);
    first.release();
    first.release();
    expect(gate.aborted).toEqual([]);
    gate.answer('a,b');
    gate.answer('c');
    expect(await Promise.all(second.values.map(textOf))).toEqual(['b', 'c', 'b']);
    second.release();
    // Values are not kept.
    const third = fetches.fetch(['b'], undefined, 1);
    expect(gate.asked).toEqual(['a,b', 'c', 'b']);
    third.release();
    expect(gate.aborted).toContain('b');
  });

  it.for([
    [1, 4],
    [8 * MiB, 4],
    [11 * MiB, 2],
    [100 * MiB, 1],
  ])('has at most 32 MiB under way, with values of %i bytes %i groups', async ([bytes, groups]) => {
    const gate = new Gate();
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const fetches = new SharedFetches(gpu, gate.store);
    const used: string[] = [];
    for await (const [key, values] of fetches.ahead(keys, (one) => [one], undefined, bytes!)) {
      used.push(key);
      expect(gate.asked.length).toBe(Math.min(keys.length, used.length - 1 + groups!));
      gate.answer(key);
      expect(await textOf(values[0]!)).toBe(key);
      if (key === 'e') break;
    }
    expect(used).toEqual(keys.slice(0, 5));
    if (groups! > 1) expect(gate.aborted).toContain('f'); // nobody waits for it any more
  });
});
