import type { Tensor } from '../api.ts';

const known = new WeakMap<Tensor, Int32Array>();

/** Keeps what a list on the GPU holds from now on, for whoever may not read it back. The maker of the tensor alone may say so. */
export function setKnownList(tensor: Tensor, values: Int32Array): void {
  known.set(tensor, values);
}

/** What the host knows of an integer list: itself, or what the maker of the tensor said that it holds. */
export function knownList(list: Int32Array | Tensor | undefined): Int32Array | undefined {
  return list instanceof Int32Array ? list : known.get(list as Tensor);
}
