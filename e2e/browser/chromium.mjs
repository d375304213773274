// Starts Debian's Chromium, headless and silent towards the network.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser's path: CHROMIUM, or what scripts/install-chromium.sh prints. */
export function chromiumPath() {
  const script = fileURLToPath(new URL('../../scripts/install-chromium.sh', import.meta.url));
  return execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/**
 * Launches the browser with an empty profile. close() ends it and removes the
 * profile; a context's options are those of playwright's.
 */
export async function launch(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'horde-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    args: ['--headless=new', ...FLAGS],
    viewport: { width: 1280, height: 860 },
    ...options,
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
}
