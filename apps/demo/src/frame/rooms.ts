import { element } from './element.ts';
import type { Room } from './room.ts';

interface Entered {
  readonly section: HTMLElement;
  readonly receive: (payload: string) => void;
}

/** Shows the room that the address names, the first one by default, and keeps links and title in step. */
export function routeRooms(rooms: readonly Room[], links: HTMLElement, main: HTMLElement): void {
  const entered = new Map<string, Entered>();

  const show = (): Room => {
    const [id, payload = ''] = location.hash.slice(1).split('=', 2);
    const room = rooms.find((candidate) => candidate.id === id) ?? rooms[0]!;
    if (!entered.has(room.id)) entered.set(room.id, enter(room, main));
    for (const [other, { section }] of entered) section.hidden = other !== room.id;
    for (const link of links.querySelectorAll('a')) mark(link, link.hash === `#${room.id}`);
    document.title = `${room.title} · heed`;
    entered.get(room.id)!.receive(payload);
    return room;
  };

  links.append(
    ...rooms.map(({ id, title }) => element('li', {}, element('a', { href: `#${id}` }, title))),
  );
  // A link leads to the room's title, as it would on a page of its own; the back button leaves the focus alone.
  let isFollowed = false;
  links.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a');
    isFollowed = link !== null && link.hash !== location.hash;
  });
  addEventListener('hashchange', () => {
    const { id } = show();
    if (isFollowed) document.getElementById(`${id}-title`)?.focus();
    isFollowed = false;
  });
  show();
}

function enter(room: Room, main: HTMLElement): Entered {
  // Not the id of the address: the browser would scroll to it, past the header.
  const section = element('section', {
    id: `room-${room.id}`,
    'aria-labelledby': `${room.id}-title`,
  });
  main.append(section);
  return { section, receive: room.enter(section) };
}

function mark(link: HTMLAnchorElement, isCurrent: boolean): void {
  if (isCurrent) link.setAttribute('aria-current', 'page');
  else link.removeAttribute('aria-current');
}
