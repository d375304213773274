// Amounts, durations and states in plain words.

import type { Check, PriceLine } from './api/types';

/** A duration to the second up to an hour: "34 s", "1 min 34 s", "2 h 5 min". */
export function seconds(value: number): string {
  const whole = Math.max(1, Math.round(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return inTwoUnits(Math.floor(whole / 60), 'min', whole % 60, 's');

  const minutes = Math.round(whole / 60);
  return inTwoUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function inTwoUnits(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** Where a request is before its images are generated. */
export function queueState(check: Check | undefined): string {
  if (!check) return 'Sending it to the horde';
  if (check.processing > 0) return 'A worker has it';
  if (check.queue_position > 0) return `${ordinal(check.queue_position)} in the queue`;
  return 'Waiting for a worker';
}

/** "1st", "2nd", "3rd", "4th". */
export function ordinal(n: number): string {
  const category = new Intl.PluralRules('en', { type: 'ordinal' }).select(n);
  const suffix = { one: 'st', two: 'nd', few: 'rd' }[category as string] ?? 'th';
  return `${n}${suffix}`;
}

export function amount(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(value);
}

/** An amount that was given or taken: "+7", "−8.74". */
export function signedAmount(value: number): string {
  return `${value < 0 ? '−' : '+'}${amount(Math.abs(value))}`;
}

/** The text of a movement of kudos, without the id that a reader has no use for. */
export function movementText(text: string): string {
  return text.replace(/^Request [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}: /, 'Request ');
}

/** What a line of a price does to the amount before it: "×1.3", "+3", or nothing. */
export function priceOperation(line: Pick<PriceLine, 'factor' | 'add'>): string {
  if (line.factor) return `×${amount(line.factor)}`;
  if (line.add) return signedAmount(line.add);
  return '';
}

/** "Nov 29, 2026, 7:29 PM". */
export function dateTime(at: number | string): string {
  return new Date(at).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });
}

/** A number with its noun: "1 worker", "3 workers". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${amount(n)} ${n === 1 ? one : many}`;
}
