// A refusal in words for what this page can do: the server's own without names
// of the API's fields, and the remedies that the page has as buttons.

import { HordeError } from './api';
import { explain, type Explained } from './words';

/** Something that the page can do about a refusal. */
export type Remedy = 'smaller' | 'anonymous' | 'key' | 'source' | 'again';

export interface Refusal extends Explained {
  remedies: Remedy[];
}

/** What the refusal was about, as far as remedies depend on it. */
export interface Circumstances {
  anonymous: boolean;
  /** A source image was sent along. */
  source: boolean;
}

/** Titles and advice of refusals that words.ts has none for. */
const MORE: Record<string, [title: string, advice: string]> = {
  SharedKeyEmpty: ['This shared key has no kudos left', ''],
  SharedKeyExpired: ['This shared key has expired', ''],
  SharedKeyInvalid: ['This shared key is not known here', ''],
  SharedKeyInsufficientKudos: ['This needs more kudos than the shared key has left', ''],
  SourceImageUnreadable: ['The source image could not be read', 'Use a PNG, JPEG or WebP image.'],
  SourceImageRequiredForModel: ['This model works on a source image only', 'Add one under “More settings”, or choose another model.'],
};

export function refusalOf(error: unknown, about: Circumstances): Refusal {
  const what = explain(error);
  if (!(error instanceof HordeError)) return { ...what, remedies: [] };
  const more = MORE[error.rc];
  if (more) [what.title, what.advice] = more;
  return {
    ...what,
    text: inPageWords(what.text),
    remedies: remediesOf(error, about),
  };
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
  return error.status === 0 || error.status === 429 || error.status >= 500 ? ['again'] : [];
}

/** Fields of requests that this page has no control for. */
const FIELDS =
  /\b(allow_downgrade|(extra_)?slow_workers|trusted_workers|validated_backends|worker_blacklist|dry_run|disable_batching|extra_source_images|source_mask|source_processing|params\.\w+)\b/;

/**
 * The server's words without what only programs can follow: remarks and sentences
 * that name fields of the API. If nothing would be left, they stay as they are.
 */
export function inPageWords(text: string): string {
  const bare = text.replace(/ ?\(([^()]*)\)/g, (all, inner: string) => (FIELDS.test(inner) && !inner.includes(' ') ? '' : all));
  const sentences = bare.match(/[^.!?]*(?:[.!?](?!\s|$)[^.!?]*)*(?:[.!?]+(?=\s|$)|$)\s*/g) ?? [bare];
  const kept = sentences.filter((sentence) => !FIELDS.test(sentence)).join('').trim();
  return kept || text;
}
