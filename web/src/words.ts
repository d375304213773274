// Plain words for what the horde says: errors, waiting, amounts.

import { HordeError, type Check } from './api';

/** An error as a headline, what the horde said, and what to do about it. */
export interface Explained {
  title: string;
  text: string;
  advice: string;
}

const REFUSALS: Record<string, [title: string, advice: string]> = {
  InvalidAPIKey: ['This API key is not known here', 'Check the key in the account box, or clear it to paint anonymously.'],
  UserNotFound: ['This API key is not known here', 'Check it, or paint anonymously.'],
  KudosUpfront: ['This needs more kudos than the account has', 'Change what needs them upfront, or earn kudos by running a worker.'],
  TooManyPrompts: ['Too many pictures at once', 'Wait until one of yours is finished, then try again.'],
  CorruptPrompt: ['The horde does not paint this prompt', 'Try other words.'],
  InvalidPromptSize: ['The prompt is too long', 'Shorten it to fewer than 7,500 words.'],
  TimeoutIP: ['This address has to pause', 'The message says for how long.'],
  MaintenanceMode: ['The horde is being looked after', 'Try again in a few minutes.'],
  ImageValidationFailed: ['The starting picture could not be read', 'Use a PNG, JPEG or WebP picture.'],
  SourceImageResolutionExceeded: ['The starting picture is too large', 'Use one of at most 3072 × 3072 pixels.'],
  SourceImageSizeExceeded: ['The starting picture is too heavy', 'Use one below 5 MB.'],
  RequestNotFound: ['The horde no longer knows this request', 'Requests are kept for 20 minutes. Paint it again.'],
};

export function explain(error: unknown): Explained {
  if (!(error instanceof HordeError)) {
    return { title: 'Something went wrong on this page', text: String((error as Error)?.message ?? error), advice: 'Reload it and try again.' };
  }
  const known = REFUSALS[error.rc];
  if (known) return { title: known[0], text: error.message, advice: known[1] };
  if (error.status === 0) {
    return { title: 'The horde does not answer', text: error.message, advice: 'Check that it is running and that you are online.' };
  }
  if (error.status === 429) {
    const wait = error.retryAfter ? `Try again in ${seconds(error.retryAfter)}.` : 'Try again in a moment.';
    return { title: 'A little too fast', text: `The limit is ${error.message}.`, advice: wait };
  }
  if (error.status >= 500) {
    return { title: 'The horde stumbled', text: error.message, advice: 'This is not your fault. Try again in a moment.' };
  }
  if (Object.keys(error.fields).length > 0) {
    return { title: 'Some settings are not possible', text: '', advice: 'They are marked in the form.' };
  }
  return { title: 'The horde refused this', text: error.message, advice: '' };
}

/** A duration in words, to the second up to an hour: "34 s", "1 min 34 s", "2 h 5 min". */
export function seconds(value: number): string {
  const whole = Math.max(1, Math.round(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return inTwo(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  return inTwo(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function inTwo(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** Where a request stands in the queue. */
export function waiting(check: Check | undefined): string {
  if (!check) return 'Handing it to the horde';
  if (check.processing > 0) return 'A worker has it';
  if (check.queue_position > 0) return `${ordinal(check.queue_position)} in the queue`;
  return 'Waiting for a worker';
}

export function ordinal(n: number): string {
  const suffix = { one: 'st', two: 'nd', few: 'rd' }[new Intl.PluralRules('en', { type: 'ordinal' }).select(n) as string];
  return `${n}${suffix ?? 'th'}`;
}

export function amount(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(value);
}

/** An amount that was given or taken: "+7", "−8.74". */
export function moved(value: number): string {
  return `${value < 0 ? '−' : '+'}${amount(Math.abs(value))}`;
}

/** The words of a movement, without the id that a reader has no use for. */
export function movement(text: string): string {
  return text.replace(/^Request [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}: /, 'Request ');
}

/** What a line of a price does to what was before: "×1.3", "+3", or nothing. */
export function reckoned(line: { factor?: number; add?: number }): string {
  if (line.factor) return `×${amount(line.factor)}`;
  if (line.add) return moved(line.add);
  return '';
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${amount(n)} ${n === 1 ? one : many}`;
}
