// Rate limits that are over sooner than a visitor has read of them.

import { HordeError } from './client';

/** A rate limit of so many seconds or fewer is waited for rather than shown. */
const SHORT_WAIT = 2;

/**
 * Makes a call. Who sends two requests within a second may meet the rate limit; a short
 * wait then beats an error. The call is made at most twice.
 */
export async function overShortWait<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const shortly = error instanceof HordeError && error.status === 429 && !error.rc && error.retryAfter <= SHORT_WAIT;
    if (!shortly) throw error;

    await new Promise((resolve) => setTimeout(resolve, Math.max(1, error.retryAfter) * 1000));
    return call();
  }
}
