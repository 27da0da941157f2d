import type { BrowserProviderOption } from 'vitest/node';

/**
 * A browser for vitest that is started with the address of the tests' page, and of which nothing else is asked: tests of the
 * GPU click nowhere. `like` is a provider whose server is taken.
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
      // Asked for before each file.
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
