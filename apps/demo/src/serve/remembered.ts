import { type Asked, choices, MAX_PROMPTS, type Settings } from './settings.ts';

const key = 'heed-serve';

/** What the visitor saved with the pages, so that the same prompts find them. */
export interface Remembered {
  readonly settings: Settings;
  readonly asked: Asked;
}

export function remember(what: Remembered): void {
  localStorage.setItem(key, JSON.stringify(what));
}

export function forgetRemembered(): void {
  localStorage.removeItem(key);
}

/** What was saved last; undefined where there is nothing, or what another version of the page wrote. */
export function remembered(): Remembered | undefined {
  // Private windows and blocked cookies make localStorage throw.
  try {
    return parseRemembered(localStorage.getItem(key));
  } catch {
    return undefined;
  }
}

/** Checks what a browser has kept. */
export function parseRemembered(text: string | null): Remembered | undefined {
  if (text === null) return undefined;
  const { settings, asked } = JSON.parse(text) as Partial<Remembered>;
  if (!settings || !asked || !Array.isArray(asked.prompts)) return undefined;
  const areChoices = Object.entries(choices).every(([name, allowed]) =>
    (allowed as readonly unknown[]).includes(settings[name as keyof typeof choices]),
  );
  const areTexts = [asked.system, ...asked.prompts].every((x) => typeof x === 'string');
  const isSource = ['shipped', 'trained', 'random'].includes(settings.source);
  const fits = asked.prompts.length > 0 && asked.prompts.length <= MAX_PROMPTS;
  return areChoices && areTexts && isSource && fits ? { settings, asked } : undefined;
}
