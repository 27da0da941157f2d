/** How many owners have a look of their own: as many as there may be prompts. */
const colours = 6;

/** The variable with the colour of an owner, "B" or "B2". Okabe and Ito's palette, which the colour-blind can tell apart. */
export function ownerColour(owner: string): string {
  return `var(--owner-${(owner.charCodeAt(0) - 65) % colours})`;
}

/** A background for all owners of a page: plain for one, stripes for several. */
export function ownersBackground(owners: readonly string[]): string {
  const shown = [...new Set(owners.map(ownerColour))];
  if (owners.length === 1) return shown[0]!;
  const width = 5;
  // Branches of one prompt have one colour: their stripes are darker ones of it.
  const stripes =
    shown.length > 1 ? shown : [shown[0]!, `color-mix(in oklab, ${shown[0]!}, #000 22%)`];
  const stops = stripes.map((colour, i) => `${colour} ${i * width}px ${(i + 1) * width}px`);
  return `repeating-linear-gradient(45deg, ${stops.join(', ')})`;
}
