export { heedTensor, ortTensor, sessionOptions } from './ort-exchange.ts';
