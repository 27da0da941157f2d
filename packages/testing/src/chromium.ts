import { existsSync } from 'node:fs';

/** Playwright's options for a browser. */
export interface ChromiumLaunch {
  readonly executablePath?: string;
  readonly args: string[];
}

/** Turns WebGPU on in headless Chromium (its old headless mode has none), and keeps the browser off the network. */
export const chromiumFlags: readonly string[] = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
];

/** Computes WebGPU on the CPU, with Chromium's own SwiftShader. */
export const swiftshaderFlag = '--use-webgpu-adapter=swiftshader';

/** Returns the Chromium that HEED_CHROMIUM names, else Debian's; undefined if Playwright's own must be used. */
export function chromiumProgram(): string | undefined {
  return process.env['HEED_CHROMIUM'] ?? ['/usr/bin/chromium'].find((path) => existsSync(path));
}

/** Returns how to start headless Chromium with WebGPU on SwiftShader. */
export function chromiumLaunch(): ChromiumLaunch {
  const executablePath = chromiumProgram();
  return {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...chromiumFlags, swiftshaderFlag],
  };
}
