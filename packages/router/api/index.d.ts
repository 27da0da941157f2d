/** The public declarations of `@heed/router`, by tools/api.mjs. */
// #region Interfaces
export interface Candidate extends WorkerDetails {
  readonly worker: string;
  readonly cachedTokens: number;
  readonly uncachedTokens: number;
  readonly queuedTokens: number;
  readonly runningSequences: number;
  readonly tokensPerSecond: number;
  readonly freePages: number;
  readonly pages: number;
  readonly estimateMs: number;
}
export interface KvEventMessage {
  readonly version: 1;
  readonly worker: string;
  readonly epoch: number;
  readonly seq: number;
  readonly pageSize: number;
  readonly namespace: string;
  readonly snapshot?: boolean;
  readonly operations: readonly KvOperation[];
}
export interface LoadDecision {
  readonly load: boolean;
  readonly loadMs: number;
  readonly computeMs: number;
}
export interface LoadRates {
  readonly tokens: number;
  readonly bytesPerToken: number;
  readonly bytesPerSecond: number;
  readonly tokensPerSecond: number;
  readonly cpuSecondsPerByte?: number;
  readonly roundTripMs?: number;
  readonly minTokens?: number;
}
export interface Pick extends WorkerDetails {
  readonly worker: string;
  readonly cachedTokens: number;
  readonly estimateMs: number;
  readonly why: string;
  firstToken(): void;
  done(): void;
  failed(): void;
}
export interface Policy {
  readonly name: string;
  choose(candidates: readonly Candidate[], request: PolicyRequest): Candidate;
}
export interface PolicyRequest {
  readonly names: readonly string[];
  readonly length: number;
  readonly pageSize: number;
  readonly random: () => number;
}
export interface RouteOptions {
  readonly length: number;
  readonly exclude?: readonly string[];
  readonly bits?: string;
}
export interface Router {
  apply(message: KvEventMessage): "ok" | "gap";
  drop(worker: string): void;
  load(worker: string, load: WorkerLoad, details?: WorkerDetails): void;
  workers(): WorkerStatus[];
  route(names: readonly string[], options: RouteOptions): Pick | undefined;
}
export interface RouterOptions {
  readonly pageSize: number;
  readonly namespace?: string;
  readonly policy?: Policy;
  readonly speculativeMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
}
export interface WorkerDetails {
  readonly url?: string;
  readonly bits?: string;
}
export interface WorkerLoad {
  readonly queuedTokens: number;
  readonly runningSequences: number;
  readonly tokensPerSecond: number;
  readonly freePages: number;
  readonly pages: number;
}
export interface WorkerStatus extends WorkerDetails {
  readonly worker: string;
  readonly epoch: number | undefined;
  readonly entries: number;
  readonly load: WorkerLoad | undefined;
  readonly age: number;
  readonly gap: boolean;
  readonly suspect: boolean;
}
// #endregion

// #region Types
export type KvOperation = {
  readonly stored: readonly string[];
} | {
  readonly removed: readonly string[];
} | {
  readonly cleared: true;
};
// #endregion

// #region Functions
export declare function createRouter(options: RouterOptions): Router;
export declare function custom(score: (candidate: Candidate) => number, name?: string): Policy;
export declare function loadOrCompute(rates: LoadRates): LoadDecision;
export declare function parseMessage(value: unknown): KvEventMessage;
// #endregion

// #region Variables
export declare const boundedHash: Policy;
export declare const leastLoaded: Policy;
export declare const leastTtft: Policy;
// #endregion
