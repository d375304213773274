// The settings of a text request as the form holds them: their limits and defaults, and
// how they become a request.

import { textParams } from '../gen/limits';
import type { TextRequestBody } from './api/types';
import { sortErrors } from './fieldErrors';

/** The form's content. */
export interface TextSettings {
  prompt: string;
  /** The most tokens to generate. */
  length: number;
  /** Stop sequences as typed, one a line; see stopSequences. */
  stop: string;
  /** '' is any model. */
  model: string;
  /** The horde may make the text shorter rather than refuse it. */
  downgrade?: boolean;
}

/** The form's fields that can be wrong. */
export type TextField = keyof TextSettings;

/** Messages by field. */
export type TextErrors = Partial<Record<TextField, string>>;

/** The limits of the API for lengths, in tokens. */
export const LENGTHS = { min: textParams.max_length.minimum, max: textParams.max_length.maximum } as const;

/** The API's limits for the stop sequences of a request, and all their characters. */
const MAX_STOPS = 128;
const MAX_STOP_CHARACTERS = 2000;

export function defaultTextSettings(): TextSettings {
  return { prompt: '', length: 80, stop: '', model: '' };
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', '\\': '\\' };

/**
 * The stop sequences of what was typed, each once: one a line, where \n is a line break,
 * \t a tab, and \\ a backslash. Spaces count; empty lines do not.
 */
export function stopSequences(typed: string): string[] {
  const lines = typed.split(/\r?\n/).filter((line) => line !== '');
  return [...new Set(lines.map((line) => line.replace(/\\([nt\\])/g, (_, letter: string) => ESCAPES[letter]!)))];
}

/** The body of a request. context is the most tokens of prompt and text together. */
export function toTextBody(settings: TextSettings, context: number): TextRequestBody {
  const body: TextRequestBody = {
    prompt: settings.prompt,
    params: { n: 1, max_length: settings.length, max_context_length: context },
    models: settings.model ? [settings.model] : [],
    slow_workers: true,
  };

  const stop = stopSequences(settings.stop);
  if (stop.length > 0) body.params.stop_sequence = stop;
  if (settings.downgrade) body.allow_downgrade = true;
  return body;
}

/** What is wrong with settings before they are sent. maxLength is what is offered, in tokens. */
export function validateText(settings: TextSettings, maxLength: number): TextErrors {
  const errors: TextErrors = {};
  if (!settings.prompt.trim()) errors.prompt = 'Write what the text should continue.';

  // An emptied number input gives null.
  const length: unknown = settings.length;
  if (!Number.isInteger(length) || settings.length < LENGTHS.min || settings.length > maxLength) {
    errors.length = `A whole number from ${LENGTHS.min} to ${maxLength}.`;
  }

  const stop = stopSequences(settings.stop);
  const characters = stop.reduce((sum, sequence) => sum + [...sequence].length, 0);
  if (stop.length > MAX_STOPS) errors.stop = `At most ${MAX_STOPS} of them.`;
  else if (characters > MAX_STOP_CHARACTERS) errors.stop = 'At most 2,000 characters in all.';
  return errors;
}

/** The field of the form for a path of the API's request. */
const FIELD_OF_PATH: Record<string, TextField> = {
  prompt: 'prompt',
  models: 'model',
  'params.max_length': 'length',
  'params.stop_sequence': 'stop',
};

/** Sorts the server's validation errors by the form's fields. */
export function textErrorsByField(errors: Record<string, string>): { fields: TextErrors; rest: string[] } {
  return sortErrors(errors, FIELD_OF_PATH);
}
