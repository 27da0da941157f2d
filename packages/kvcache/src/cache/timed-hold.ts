import type { PageHold } from '../sequences/ledger.ts';
import type { CacheCore } from './cache-core.ts';

/** How long a hold lasts that nobody ends. */
const holdMs = 10_000;

/** Returns a handle that ends a hold, which ends by itself after ten seconds. */
export function timedHold(core: CacheCore, hold: PageHold): Disposable {
  const handle: Disposable = {
    [Symbol.dispose](): void {
      clearTimeout(timer);
      core.timedHolds.delete(handle);
      core.ledger.letGo(hold);
    },
  };
  const timer = setTimeout(() => handle[Symbol.dispose](), holdMs);
  (timer as unknown as { unref?(): void }).unref?.(); // a program in Node need not wait for it
  core.timedHolds.add(handle);
  return handle;
}
