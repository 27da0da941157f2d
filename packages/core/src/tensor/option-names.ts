import type {
  BytesOptions,
  EmptyOptions,
  ReadOptions,
  TensorOptions,
  WrapOptions,
} from '../api.ts';
import { type Meant, type NamesOf, optionsOf } from '../options/option-names.ts';

export const emptyNames: NamesOf<EmptyOptions> = { dtype: 1, label: 1 };

export const tensorNames: NamesOf<TensorOptions> = { shape: 1, ...emptyNames };

export const bytesNames: NamesOf<BytesOptions> = tensorNames;

export const wrapNames: NamesOf<WrapOptions> = { ...tensorNames, strides: 1, byteOffset: 1 };

export const readNames: NamesOf<ReadOptions> = { signal: 1 };

/** What others call the options of a tensor. */
export const meantTensor: Meant = () => ({
  type: 'dtype',
  name: 'label',
  dims: 'shape',
  size: 'shape',
  offset: 'byteOffset',
  ...optionsOf('gpu.wrap()', { strides: 1, byteOffset: 1 }),
});
