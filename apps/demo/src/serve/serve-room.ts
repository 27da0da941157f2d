import { element } from '../page/element.ts';
import type { Room } from '../page/frame.ts';

export const serveRoom: Room = { id: 'serve', title: 'Serve', enter };

function enter(section: HTMLElement): (payload: string) => void {
  const place = element('p', { role: 'status' }, 'Loading the model and TensorFlow.js.');
  section.append(
    element('h1', { id: 'serve-title', tabindex: -1 }, 'Serve'),
    element(
      'p',
      { class: 'lead' },
      'A small language model answers several prompts at once from one paged KV cache: prompts that begin alike share pages, guesses that were wrong are truncated, and every answer is the one that its prompt gets alone.',
    ),
    place,
  );
  void fill(place);
  return () => {};
}

/** Loads the desk, and with it TensorFlow.js, which is larger than the rest of the page, only when the room is entered. */
async function fill(place: HTMLElement): Promise<void> {
  try {
    const { desk } = await import('./view/desk.ts');
    place.replaceWith(await desk());
  } catch (error) {
    place.textContent = `The room could not be opened: ${error instanceof Error ? error.message : String(error)}. Reload the page to try again.`;
  }
}
