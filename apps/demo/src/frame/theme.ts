import { select } from './element.ts';

const key = 'heed-theme';
const themes = [
  ['light dark', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

/** The choice between light and dark, which the browser remembers where it may. */
export function themeChoice(): HTMLSelectElement {
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
    // The choice then lasts as long as the page.
  }
}
