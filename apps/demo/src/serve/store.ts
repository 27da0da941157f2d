import type { KvStore } from '@heed/kvcache';
import { opfsStore } from '@heed/kvcache/browser';
import { forgetRemembered, remember, type Remembered } from './remembered.ts';
import type { Session } from './session.ts';

const store = (): KvStore => opfsStore('demo-serve');

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Puts the prefixes of a session into the browser's own file system, and what was asked beside them. Says how it went. */
export async function saveAll(session: Session, what: Remembered): Promise<string> {
  const { saved, known, lost } = await session.save(store());
  remember(what);
  const others = known > 0 ? `, ${known} were there already` : '';
  const gone = lost > 0 ? `, ${lost} were given up meanwhile` : '';
  return `Saved ${saved} pages in this browser${others}${gone}. Reload the page and run again: the prompts find them.`;
}

/** Brings back what was saved for this model and format. Says how it went; nothing where there is nothing. */
export async function loadSaved(session: Session): Promise<string> {
  try {
    const { loaded, left, refused } = await session.load(store());
    if (loaded + left + refused.length === 0) return '';
    const more = left > 0 ? ` ${left} more found no room.` : '';
    const bad = refused.length > 0 ? ` ${refused.length} were refused: ${refused[0]!.reason}.` : '';
    return `Resumed ${loaded} saved pages.${more}${bad}`;
  } catch (error) {
    return `What was saved could not be read: ${messageOf(error)}`;
  }
}

/** Deletes all that this room has saved. */
export async function forgetAll(): Promise<string> {
  const saved = store();
  let count = 0;
  for await (const key of saved.keys()) {
    await saved.delete(key);
    count++;
  }
  forgetRemembered();
  return `Deleted ${count} saved pages from this browser.`;
}
