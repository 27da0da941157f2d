import type { BrowserProviderOption } from 'vitest/node';

/**
 * A browser provider for vitest that only starts a browser with the address of the tests' page: tests of the GPU need no clicks.
 * @param like the provider whose server is used
 */
export function startedBrowser(
  like: BrowserProviderOption,
  start: (url: string) => { readonly stop: () => void },
): BrowserProviderOption {
  return {
    name: 'firefox',
    supportedBrowser: ['firefox'],
    options: {},
    serverFactory: like.serverFactory,
    providerFactory(project) {
      // vitest calls it before each file.
      project.browser?.registerCommand('__vitest_viewport' as never, (() => {}) as never);
      const pages: { readonly stop: () => void }[] = [];
      return {
        name: 'firefox',
        supportsParallelism: false,
        getCommandsContext: () => ({}),
        // eslint-disable-next-line typescript/require-await
        async openPage(_session, url) {
          pages.push(start(url));
        },
        close() {
          for (const page of pages.splice(0)) page.stop();
        },
      };
    },
  };
}
