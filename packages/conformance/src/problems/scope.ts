import type { Gpu } from '@heed/core';

interface Owned {
  dispose(): void;
}

/** Owns the GPU objects of one case and frees them together, last first. */
export class Scope {
  readonly gpu: Gpu;
  readonly #owned: Owned[] = [];

  constructor(gpu: Gpu) {
    this.gpu = gpu;
  }

  own<T extends Owned>(object: T): T {
    this.#owned.push(object);
    return object;
  }

  dispose(): void {
    for (const object of this.#owned.splice(0).toReversed()) object.dispose();
  }
}
