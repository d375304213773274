// Errors in words for what this page can do: a headline, what the server said without
// names of the API's fields, advice, and the remedies that the page has as buttons.

import { HordeError } from './api/client';
import type { ReturnCode } from './api/types';
import { seconds } from './format';

/** An error in words. */
export interface Explanation {
  title: string;
  /** What the horde said. */
  text: string;
  advice: string;
}

/** Something that the page can do about a refusal. */
export type Remedy = 'smaller' | 'anonymous' | 'key' | 'source' | 'again';

export interface Refusal extends Explanation {
  remedies: Remedy[];
}

/** What the refusal was about, as far as remedies depend on it. */
export interface Circumstances {
  anonymous: boolean;
  /** A source image was sent along. */
  source: boolean;
}

const UNKNOWN_KEY = 'This API key is not known here';
const OTHER_FORMAT = 'Use a PNG, JPEG or WebP image.';

const EXPLANATIONS: Partial<Record<ReturnCode, [title: string, advice: string]>> = {
  InvalidAPIKey: [UNKNOWN_KEY, 'Check the key under “Account”, or clear it to generate anonymously.'],
  UserNotFound: [UNKNOWN_KEY, 'Check it, or generate anonymously.'],
  SharedKeyInvalid: ['This shared key is not known here', ''],
  SharedKeyExpired: ['This shared key has expired', ''],
  SharedKeyEmpty: ['This shared key has no kudos left', ''],
  SharedKeyInsufficientKudos: ['This needs more kudos than the shared key has left', ''],
  KudosUpfront: [
    'This needs more kudos than the account has',
    'Change what needs them upfront, or earn kudos by running a worker.',
  ],
  TooManyPrompts: ['Too many requests at once', 'Wait until one of yours is finished, then try again.'],
  CorruptPrompt: ['The horde does not generate this prompt', 'Try other words.'],
  InvalidPromptSize: ['The prompt is too long', 'Shorten it to fewer than 7,500 words.'],
  TooManyStopSequences: ['There are too many stop sequences', 'Leave some of them out.'],
  ExcessiveStopSequence: ['The stop sequences are too long', 'Shorten them, or leave some of them out.'],
  TokenOverflow: ['The text is too long for the model', 'Make it shorter.'],
  TimeoutIP: ['This IP address is in timeout', 'The message says for how long.'],
  MaintenanceMode: ['The horde is in maintenance', 'Try again in a few minutes.'],
  ImageValidationFailed: ['The source image could not be read', OTHER_FORMAT],
  SourceImageUnreadable: ['The source image could not be read', OTHER_FORMAT],
  SourceImageResolutionExceeded: ['The source image has too many pixels', 'Use one of at most 3072 × 3072 pixels.'],
  SourceImageSizeExceeded: ['The source image is too large', 'Use one below 5 MB.'],
  SourceImageRequiredForModel: [
    'This model needs a source image',
    'Add one under “More settings”, or choose another model.',
  ],
  RequestNotFound: ['The horde no longer knows this request', 'Requests are kept for 20 minutes. Send it again.'],
};

/** Explains whatever was thrown. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof HordeError)) {
    const text = String((error as Error)?.message ?? error);
    return { title: 'Something went wrong on this page', text, advice: 'Reload it and try again.' };
  }

  const known = error.rc && EXPLANATIONS[error.rc];
  if (known) return { title: known[0], text: error.message, advice: known[1] };
  if (error.unanswered) {
    return {
      title: 'The horde does not answer',
      text: error.message,
      advice: 'Check that it is running and that you are online.',
    };
  }
  if (error.status === 429) {
    const wait = error.retryAfter ? `Try again in ${seconds(error.retryAfter)}.` : 'Try again in a moment.';
    return { title: 'Too many calls in a short time', text: `The limit is ${error.message}.`, advice: wait };
  }
  if (error.status >= 500) {
    return { title: 'The horde failed', text: error.message, advice: 'This is not your fault. Try again in a moment.' };
  }
  if (Object.keys(error.fields).length > 0) {
    return { title: 'Some settings are not possible', text: '', advice: 'They are marked in the form.' };
  }
  return { title: 'The horde refused this', text: error.message, advice: '' };
}

/** Explains a refusal in words of the page, with what the page can do about it. */
export function refusalOf(error: unknown, about: Circumstances): Refusal {
  const explanation = explain(error);
  if (!(error instanceof HordeError)) return { ...explanation, remedies: [] };
  return { ...explanation, text: inPageWords(explanation.text), remedies: remediesOf(error, about) };
}

function remediesOf(error: HordeError, { anonymous, source }: Circumstances): Remedy[] {
  const otherKey: Remedy[] = anonymous ? ['key'] : ['key', 'anonymous'];
  switch (error.rc) {
    case 'KudosUpfront':
      return anonymous ? ['smaller', 'key'] : ['smaller'];
    case 'SharedKeyInsufficientKudos':
      return ['smaller', ...otherKey];
    case 'InvalidAPIKey':
    case 'UserNotFound':
    case 'SharedKeyEmpty':
    case 'SharedKeyExpired':
    case 'SharedKeyInvalid':
      return otherKey;
    case 'TooManyPrompts':
      return anonymous ? ['again', 'key'] : ['again'];
    case 'ImageValidationFailed':
    case 'SourceImageUnreadable':
    case 'SourceImageResolutionExceeded':
    case 'SourceImageSizeExceeded':
      return source ? ['source'] : [];
    case 'MaintenanceMode':
      return ['again'];
  }
  return error.unanswered || error.status === 429 || error.status >= 500 ? ['again'] : [];
}

/** Fields of requests that this page has no control for. */
const FIELDS = new RegExp(
  '\\b(allow_downgrade|(extra_)?slow_workers|trusted_workers|validated_backends|worker_blacklist|dry_run|' +
    'disable_batching|extra_source_images|source_mask|source_processing|params\\.\\w+)\\b',
);

/** One remark in brackets. */
const REMARK = / ?\(([^()]*)\)/g;
/** One sentence with the space after it. A dot inside of a word or number ends none. */
const SENTENCE = /[^.!?]*(?:[.!?](?!\s|$)[^.!?]*)*(?:[.!?]+(?=\s|$)|$)\s*/g;

/**
 * The server's words without what only programs can follow: remarks and sentences that
 * name fields of the API. If nothing would be left, they stay as they are.
 */
export function inPageWords(text: string): string {
  const bare = text.replace(REMARK, (all, inner: string) => (FIELDS.test(inner) && !inner.includes(' ') ? '' : all));
  const sentences = bare.match(SENTENCE) ?? [bare];
  const kept = sentences
    .filter((sentence) => !FIELDS.test(sentence))
    .join('')
    .trim();
  return kept || text;
}
