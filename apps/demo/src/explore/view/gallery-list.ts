import { element } from '../../page/element.ts';
import { type Example, gallery } from '../program/gallery.ts';

/** The gallery: a button per example, and the description of the chosen one. */
export interface GalleryList {
  readonly element: HTMLElement;
  /** Marks the example with this text, if there is one. */
  readonly mark: (text: string) => void;
}

export function createGallery(chosen: (example: Example) => void): GalleryList {
  const about = element('pre', { class: 'about' });
  // One tab stop for all buttons, so that Tab reaches the editor soon; arrow keys move between them.
  const stopAt = (stop: HTMLButtonElement): void => {
    for (const { button } of buttons) button.tabIndex = button === stop ? 0 : -1;
  };
  const buttons = gallery.map((example) => {
    const button = element('button', { type: 'button', 'aria-pressed': 'false' }, example.name);
    button.addEventListener('click', () => {
      stopAt(button);
      chosen(example);
    });
    return { example, button };
  });
  const groups = [...new Set(gallery.map(({ group }) => group))].map((group) =>
    element(
      'div',
      { class: 'group', role: 'group', 'aria-label': group },
      element('span', { class: 'group-name', 'aria-hidden': 'true' }, group),
      ...buttons.filter(({ example }) => example.group === group).map(({ button }) => button),
    ),
  );
  stopAt(buttons[0]!.button);
  const toolbar = element(
    'div',
    { class: 'examples', role: 'toolbar', 'aria-label': 'Examples' },
    ...groups,
  );
  toolbar.addEventListener('keydown', (event) => {
    const at = buttons.findIndex(({ button }) => button === document.activeElement);
    const next = target(event.key, at, buttons.length);
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    stopAt(buttons[next]!.button);
    buttons[next]!.button.focus();
  });
  return {
    element: element('section', { class: 'gallery', 'aria-label': 'Gallery' }, toolbar, about),
    mark: (text) => {
      const found = gallery.find((example) => example.text === text);
      for (const { example, button } of buttons)
        button.setAttribute('aria-pressed', String(example === found));
      about.textContent = found?.about ?? '';
      about.hidden = !found;
    },
  };
}

function target(key: string, at: number, count: number): number | undefined {
  if (key === 'ArrowRight' || key === 'ArrowDown') return (at + 1) % count;
  if (key === 'ArrowLeft' || key === 'ArrowUp') return (at + count - 1) % count;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : undefined;
}
