type Names = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>;

/** Vendor, architecture and description of an adapter, as far as they are told. */
export function adapterName({ vendor, architecture, device, description }: Names): string {
  return [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
}
