import { element, select } from './element.ts';
import { gpuLine, gpuNotice } from './page-gpu.ts';

/** A part of the page that has its own link. */
export interface Room {
  /** The part of the address after `#`: `explore`. */
  readonly id: string;
  readonly title: string;
  /**
   * Fills the empty section when the visitor first enters the room. Returns a function that receives the payload of the address
   * (`#explore=…`), at once and whenever it changes.
   */
  readonly enter: (section: HTMLElement) => (payload: string) => void;
}

/** Builds the page: a header with links to the rooms, the rooms, and a footer with the adapter. */
export function frame(rooms: readonly Room[]): void {
  const links = element('ul', {});
  const main = element('main', { id: 'main', tabindex: -1 });
  const skip = element('a', { class: 'skip', href: '#main' }, 'Skip to the content');
  skip.addEventListener('click', (event) => {
    // The hash of the address names the room, so this link must not change it.
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

interface Entered {
  readonly section: HTMLElement;
  readonly receive: (payload: string) => void;
}

/** Shows the room that the address names, by default the first, and updates links and title. */
function routeRooms(rooms: readonly Room[], links: HTMLElement, main: HTMLElement): void {
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
  // Following a link focuses the room's title, as loading a page would. The back button leaves the focus alone.
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
  // The section's id differs from the hash, else the browser would scroll past the header.
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

const key = 'heed-theme';
const themes = [
  ['light dark', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

/** Creates the choice between light and dark; localStorage keeps it if the browser allows that. */
function themeChoice(): HTMLSelectElement {
  const choice = select(themes, remembered() ?? 'light dark');
  const apply = (): void => {
    document.documentElement.style.colorScheme = choice.value;
    document.dispatchEvent(new Event('themechange'));
  };
  choice.addEventListener('change', () => {
    apply();
    remember(choice.value);
  });
  apply();
  return choice;
}

// Private windows and blocked cookies make localStorage throw.
function remembered(): string | undefined {
  try {
    const value = localStorage.getItem(key);
    return themes.find(([theme]) => theme === value)?.[0];
  } catch {
    return undefined;
  }
}

function remember(theme: string): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
}
