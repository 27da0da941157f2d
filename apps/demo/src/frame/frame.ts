import { element } from './element.ts';
import { gpuLine, gpuNotice } from './notice.ts';
import type { Room } from './room.ts';
import { routeRooms } from './rooms.ts';
import { themeChoice } from './theme.ts';

/** Header with the rooms, the rooms themselves, footer with the adapter. */
export function frame(rooms: readonly Room[]): void {
  const links = element('ul', {});
  const main = element('main', { id: 'main', tabindex: -1 });
  const skip = element('a', { class: 'skip', href: '#main' }, 'Skip to the content');
  skip.addEventListener('click', (event) => {
    // The address names the room, so the link must not change it.
    event.preventDefault();
    main.focus();
  });
  document.body.append(
    skip,
    element(
      'header',
      {},
      element('p', { class: 'brand' }, 'heed', element('span', {}, 'attention on your GPU')),
      element('nav', { 'aria-label': 'Rooms' }, links),
      element(
        'label',
        { class: 'theme' },
        element('span', { class: 'visually-hidden' }, 'Theme'),
        themeChoice(),
      ),
    ),
    gpuNotice(),
    main,
    element(
      'footer',
      {},
      gpuLine(),
      element('span', {}, 'Everything runs in this page; nothing is sent anywhere.'),
    ),
  );
  routeRooms(rooms, links, main);
}
