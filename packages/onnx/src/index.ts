export { heedTensor } from './heed-tensor.ts';
export { ortTensor } from './ort-tensor.ts';
export { sessionOptions } from './session-options.ts';
