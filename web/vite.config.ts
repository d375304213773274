import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

// The server that `npm run dev` talks to: `npm run mock`, or a real `horde up`.
const server = process.env.HORDE_URL ?? 'http://127.0.0.1:7099';

export default defineConfig({
  plugins: [svelte()],
  define: { __VERSION__: JSON.stringify(version) },
  build: {
    target: 'es2022',
    // Emptying dist removes .keep, which the Go build needs in a clean
    // checkout; copying public/ puts it back.
    emptyOutDir: true,
    // data: is not allowed for fonts by the page's policy, and files cache better.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': server, '/blob': server } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
