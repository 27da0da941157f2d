import type { Capabilities } from '@heed/core';

/** What people call the adapter: its description where the browser gives one. */
export function adapterName({ adapter }: Pick<Capabilities, 'adapter'>): string {
  const { description, device, vendor, architecture } = adapter;
  return description || device || [vendor, architecture].filter(Boolean).join(' ') || 'a GPU';
}
