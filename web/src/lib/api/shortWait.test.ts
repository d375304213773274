import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HordeError } from './client';
import { overShortWait } from './shortWait';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const limited = (wait: number, rc: 'TooManyPrompts' | '' = '') => new HordeError('2 per 1 second', 429, rc, {}, wait);

describe('a short rate limit', () => {
  it('is waited for, once', async () => {
    const call = vi.fn().mockRejectedValueOnce(limited(2)).mockResolvedValueOnce('taken');
    const answer = overShortWait(call);
    await vi.advanceTimersByTimeAsync(1900);
    expect(call).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(await answer).toBe('taken');
  });

  it('that is met again is an error', async () => {
    const call = vi.fn().mockRejectedValue(limited(1));
    const answer = overShortWait(call).catch((error) => error);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await answer).toMatchObject({ status: 429 });
    expect(call).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['a long one', limited(3)],
    ['too many requests at once', limited(1, 'TooManyPrompts')],
    ['a refusal', new HordeError('No.', 403)],
  ])('is not %s', async (_, error) => {
    const call = vi.fn().mockRejectedValue(error);
    await expect(overShortWait(call)).rejects.toBe(error);
    expect(call).toHaveBeenCalledTimes(1);
  });
});
