import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

// The server that `npm run dev` talks to: `npm run mock`, or a real `horde up`.
const server = process.env.HORDE_URL ?? 'http://127.0.0.1:7099';

// Swagger UI for the page of the API (public/apidocs): of the package only what that
// page loads, and the licence under which it may be passed on.
const swaggerUI: Plugin = {
  name: 'swagger-ui',
  apply: 'build',
  generateBundle() {
    const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    for (const [name, file] of Object.entries({
      'swagger-ui-bundle.js': 'swagger-ui-bundle.js',
      'swagger-ui.css': 'swagger-ui.css',
      'swagger-ui-license.txt': 'LICENSE',
      'swagger-ui-notice.txt': 'NOTICE',
      'swagger-ui-parts.txt': 'swagger-ui-bundle.js.LICENSE.txt',
    })) {
      // A map is not shipped, so the file must not ask for one.
      const source = readFileSync(join(folder, file), 'utf8').replace(/\n?\/[/*]# sourceMappingURL=.*$/m, '');
      this.emitFile({ type: 'asset', fileName: `apidocs/${name}`, source });
    }
  },
};

export default defineConfig({
  plugins: [svelte(), swaggerUI],
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
