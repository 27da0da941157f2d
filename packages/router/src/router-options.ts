import { leastTtft, type Policy } from './policies.ts';
import { checkName, checkNames, checkNumber, refuse } from './refuse.ts';
import type { WorkerDetails, WorkerLoad } from './worker.ts';

/** Options of `createRouter`. */
export interface RouterOptions {
  /** Tokens in a page of the workers' caches, 1 or more. */
  readonly pageSize: number;
  /** As the workers' messages have it. Default: `''`. */
  readonly namespace?: string;
  /** Default: `leastTtft`. */
  readonly policy?: Policy;
  /** For how long a routed prompt counts as cached before its worker tells so, 0 or more. Default: 5,000. */
  readonly speculativeMs?: number;
  /** Milliseconds of any clock. Default: `performance.now`. */
  readonly now?: () => number;
  /** Uniform from 0 to 1, without 1, for ties. Default: `Math.random`. */
  readonly random?: () => number;
}

export const routerNames: { readonly [K in keyof Required<RouterOptions>]: 1 } = {
  pageSize: 1,
  namespace: 1,
  policy: 1,
  speculativeMs: 1,
  now: 1,
  random: 1,
};

/** Options of `router.route`. */
export interface RouteOptions {
  /** Tokens of the prompt, 1 or more. */
  readonly length: number;
  /** Workers that may not serve it, such as those that have failed. */
  readonly exclude?: readonly string[];
  /** Only workers that announced these `bits`: pass those of a failed pick, so that another worker goes on with the same bits. */
  readonly bits?: string;
}

export const routeNames: { readonly [K in keyof Required<RouteOptions>]: 1 } = {
  length: 1,
  exclude: 1,
  bits: 1,
};

export function checkRouter(options: RouterOptions): Required<RouterOptions> {
  const fn = 'createRouter';
  checkNames(fn, 'options', options, routerNames);
  const { pageSize, namespace = '', policy = leastTtft, speculativeMs = 5000 } = options;
  const { now = () => performance.now(), random = Math.random } = options;
  if (!Number.isSafeInteger(pageSize) || pageSize < 1) {
    const fix = 'Pass that of the caches.';
    refuse(fn, 'pageSize must be a whole number from 1 on', pageSize, fix);
  }
  if (typeof namespace !== 'string') {
    refuse(fn, 'namespace must be a string', namespace, 'Leave it out for none.');
  }
  if (typeof policy?.choose !== 'function' || typeof policy.name !== 'string') {
    const fix = 'Pass leastTtft, boundedHash, leastLoaded or custom(score).';
    refuse(fn, 'policy must be a Policy', policy, fix);
  }
  checkNumber(fn, 'speculativeMs', speculativeMs);
  for (const [name, value] of Object.entries({ now, random })) {
    if (typeof value !== 'function') {
      refuse(fn, `${name} must be a function`, value, 'Leave it out.');
    }
  }
  return { pageSize, namespace, policy, speculativeMs, now, random };
}

const loadNames = {
  queuedTokens: 1,
  runningSequences: 1,
  tokensPerSecond: 1,
  freePages: 1,
  pages: 1,
} as const;

/** Returns a worker's load, checked: it may come from another machine. */
export function checkLoad(load: WorkerLoad): WorkerLoad {
  const fn = 'router.load';
  checkNames(fn, 'a load', load, loadNames);
  const { queuedTokens, runningSequences, tokensPerSecond, freePages, pages } = load;
  const checked = { queuedTokens, runningSequences, tokensPerSecond, freePages, pages };
  for (const [name, value] of Object.entries(checked)) checkNumber(fn, name, value);
  return checked;
}

export function checkDetails(details: WorkerDetails): WorkerDetails {
  const fn = 'router.load';
  checkNames(fn, 'details', details, { url: 1, bits: 1 });
  const { url, bits } = details;
  for (const [name, value] of Object.entries({ url, bits })) {
    if (value === undefined) continue;
    if (typeof value !== 'string' || value.length > 2048) {
      const rule = `${name} must be a string of at most 2,048 characters`;
      refuse(fn, rule, value, 'Leave it out for none.');
    }
  }
  return { ...(url !== undefined && { url }), ...(bits !== undefined && { bits }) };
}

export function checkRoute(names: readonly string[], options: RouteOptions): void {
  const fn = 'router.route';
  checkNames(fn, 'options', options, routeNames);
  const { length, exclude = [], bits = '' } = options;
  if (!Number.isSafeInteger(length) || length < 1) {
    const fix = 'Pass the number of tokens of the prompt.';
    refuse(fn, 'length must be a whole number from 1 on', length, fix);
  }
  if (!Array.isArray(exclude)) {
    refuse(fn, 'exclude must be an array of workers', exclude, 'Leave it out for none.');
  }
  for (const worker of exclude) checkName(fn, 'a worker in exclude', worker);
  if (typeof bits !== 'string') refuse(fn, 'bits must be a string', bits, 'Leave it out for any.');
  const fix = 'Pass prefixNames(tokens, { pageSize, salt }).';
  if (!Array.isArray(names)) refuse(fn, 'names must be an array', names, fix);
}
