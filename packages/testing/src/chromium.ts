import { existsSync } from 'node:fs';

/** How Playwright starts a browser. */
export interface ChromiumLaunch {
  readonly executablePath?: string;
  readonly args: string[];
}

/**
 * Headless Chromium with WebGPU on its own SwiftShader: the browser that HEED_CHROMIUM names, else Debian's, else
 * Playwright's. The old headless mode has no WebGPU.
 */
export function chromiumLaunch(): ChromiumLaunch {
  const named =
    process.env['HEED_CHROMIUM'] ?? ['/usr/bin/chromium'].find((path) => existsSync(path));
  return {
    ...(named === undefined ? {} : { executablePath: named }),
    args: [
      '--no-sandbox',
      '--headless=new',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
    ],
  };
}
