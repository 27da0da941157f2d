import type { DType } from '@heed/core';

/** heed's element types by ONNX Runtime's names. */
export const elementTypes = {
  float32: 'f32',
  float16: 'f16',
  int32: 'i32',
  uint32: 'u32',
} as const;

export type ElementType = keyof typeof elementTypes;

/** ONNX Runtime's name of heed's type. */
export function elementTypeOf(dtype: DType): ElementType {
  const names = Object.keys(elementTypes) as ElementType[];
  return names.find((name) => elementTypes[name] === dtype)!;
}
