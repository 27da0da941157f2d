export { createRouter, type Router } from './router.ts';
export type { RouterOptions, RouteOptions } from './router-options.ts';
export type { Pick, WorkerDetails, WorkerLoad, WorkerStatus } from './worker.ts';
export {
  boundedHash,
  type Candidate,
  custom,
  leastLoaded,
  leastTtft,
  type Policy,
  type PolicyRequest,
} from './policies.ts';
export { type KvEventMessage, type KvOperation, parseMessage } from './event-message.ts';
export { loadOrCompute, type LoadDecision, type LoadRates } from './load-or-compute.ts';
