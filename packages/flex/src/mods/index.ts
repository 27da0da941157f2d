export { absoluteBias } from './absolute-bias.ts';
export { alibi } from './alibi.ts';
export { gaussianBias } from './gaussian-bias.ts';
export { headGate } from './head-gate.ts';
export { relativeBias } from './relative-bias.ts';
export { softcap } from './softcap.ts';
export { t5Bias } from './t5-bias.ts';
