// Prints, as one line of JSON, the adapter that Dawn returns in this environment, or null.
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);

globalThis.dawn = create(['enable-dawn-features=allow_unsafe_apis']); // Dawn crashes or hangs once this object is collected
console.log(JSON.stringify(await probe()));
process.exit(0); // Dawn can keep the event loop alive

/** Returns an adapter only if it has a device: Dawn lists some adapters that it then refuses. */
async function probe() {
  const adapter = await globalThis.dawn.requestAdapter();
  if (adapter === null) return null;
  try {
    await adapter.requestDevice();
  } catch {
    return null;
  }
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  return {
    name: description || device || `${vendor} ${architecture}`,
    software: isFallbackAdapter,
    matrices: adapter.features.has('chromium-experimental-subgroup-matrix'),
  };
}
