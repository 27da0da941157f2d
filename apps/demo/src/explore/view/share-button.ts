import { element } from '../../frame/element.ts';
import { encodeShared, type Shared } from '../share.ts';

/** Puts what there is into the address, and the address into the clipboard where the page may. */
export function shareButton(current: () => Shared): HTMLElement {
  const button = element('button', { type: 'button' }, 'Copy a link');
  const said = element('span', { role: 'status', class: 'fine' });
  button.addEventListener('click', () => void share());
  const share = async (): Promise<void> => {
    history.replaceState(null, '', `#explore=${await encodeShared(current())}`);
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = 'Copied.';
    } catch {
      said.textContent = 'The link is in the address bar.';
    }
  };
  return element('span', { class: 'share' }, button, said);
}
