import { CapacityError, DeviceLostError } from '@heed/core';

export const texts = {
  missing: 'Serving needs WebGPU, which is not here.',
  lost: 'The GPU went away, and all pages with it. The next run opens a new one; what was saved is found again.',
  notRun: 'There is nothing there yet: run first.',
  changed: 'Changed: the next run asks anew.',
  modelGone:
    'The model whose pages were saved is not here any more, and another finds none of them.',
  stopped: 'Stopped.',
} as const;

/** What went wrong, for a visitor. */
export function troubleText(error: unknown): string {
  if (error instanceof DeviceLostError) return texts.lost;
  if (error instanceof CapacityError) {
    return 'One answer alone needs more pages than there are. Choose more pages, a shorter prompt or a shorter answer.';
  }
  return error instanceof Error ? error.message : String(error);
}
