import { defineConfig, type UserConfig } from 'vite';

const config: UserConfig = defineConfig({
  // A relative base, so that the built folder works wherever it is put.
  base: './',
  resolve: { conditions: ['@heed/source', 'module', 'browser', 'default'] },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 1500 },
  // The sources and the README that the page shows lie outside its folder.
  server: { fs: { allow: ['../..'] } },
});

export default config;
