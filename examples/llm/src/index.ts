export { linear } from './kernels/linear.ts';
export { addInto, embed, gatedMlp, rmsNorm } from './kernels/row-kernels.ts';
export { partBounds, rowParts } from './kernels/row-parts.ts';
export { topLogits } from './kernels/top-logits.ts';
