export { attention, flexAttention } from './attention/tfjs-attention.ts';
export type {
  AttentionOptions,
  Captures,
  FlexOptions,
  HeedCaptures,
  OnTf,
} from './attention/tfjs-options.ts';
export { openTfjs, type OpenTfjsOptions } from './device/open-tfjs.ts';
export { heedTensor, tfTensor } from './tensors/exchange-tensor.ts';
