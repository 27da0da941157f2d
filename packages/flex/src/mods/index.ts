export { absoluteBias } from './absolute-bias.ts';
export { alibi } from './alibi.ts';
export { headGate } from './head-gate.ts';
export { relativeBias } from './relative-bias.ts';
export { softcap } from './softcap.ts';
