export { attention } from './attention/attention.ts';
export { flexAttention } from './attention/flex-attention.ts';
export type { AttentionOptions, Captures, FlexOptions, HeedCaptures } from './attention/options.ts';
export { openTfjs, type OpenTfjsOptions } from './device/open.ts';
export { heedTensor } from './tensors/heed-tensor.ts';
export { tfTensor } from './tensors/tf-tensor.ts';
