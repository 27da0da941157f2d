type Colour = readonly [red: number, green: number, blue: number];

// Viridis (van der Walt and Smith 2015): even steps of lightness, readable without colour vision, on light and dark alike.
const stops: readonly Colour[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/** The colour of a share between 0 and 1. */
export function heatColour(share: number): Colour {
  const at = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(
      stops[low]![channel] + (stops[low + 1]![channel] - stops[low]![channel]) * (at - low),
    );
  return [mix(0), mix(1), mix(2)];
}

/** The scale as a CSS background, for legends. */
export const heatGradient: string = `linear-gradient(to right, ${stops.map((stop) => `rgb(${stop.join(' ')})`).join(', ')})`;
