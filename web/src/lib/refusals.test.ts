import { describe, expect, it } from 'vitest';
import { HordeError } from './api/client';
import { explain, inPageWords, refusalOf } from './refusals';

const visitor = { anonymous: true, source: false };
const owner = { anonymous: false, source: true };

describe('refusals', () => {
  it.each([
    [
      'This request needs 9 kudos upfront. Ask for less, set allow_downgrade, or earn kudos by running a worker.',
      'This request needs 9 kudos upfront.',
    ],
    [
      '21 steps of k_heun count as 42; stable_diffusion allows 40 without kudos. ' +
        'Requests without slow_workers need them. It costs 3.5.',
      '21 steps of k_heun count as 42; stable_diffusion allows 40 without kudos. It costs 3.5.',
    ],
    [
      'So the request is made smaller (allow_downgrade). This is the price.',
      'So the request is made smaller. This is the price.',
    ],
    ['A post-processor goes into params.post_processing.', 'A post-processor goes into params.post_processing.'],
    ['Version 1.2.3 of e.g. this? No! (really)', 'Version 1.2.3 of e.g. this? No! (really)'],
    ['', ''],
  ])('leaves out what only programs can follow: %s', (said, shown) => {
    expect(inPageWords(said)).toBe(shown);
  });

  it.each([
    ['KudosUpfront', 403, visitor, ['smaller', 'key']],
    ['KudosUpfront', 403, owner, ['smaller']],
    ['SharedKeyInsufficientKudos', 403, owner, ['smaller', 'key', 'anonymous']],
    ['SharedKeyEmpty', 403, owner, ['key', 'anonymous']],
    ['InvalidAPIKey', 401, owner, ['key', 'anonymous']],
    ['TooManyPrompts', 429, visitor, ['again', 'key']],
    ['ImageValidationFailed', 400, owner, ['source']],
    ['ImageValidationFailed', 400, visitor, []],
    ['MaintenanceMode', 400, visitor, ['again']],
    ['CorruptPrompt', 400, visitor, []],
    ['', 429, visitor, ['again']],
    ['', 500, visitor, ['again']],
    ['', 0, visitor, ['again']],
  ] as const)('offers what helps against %s (%i)', (rc, status, about, remedies) => {
    const refusal = refusalOf(new HordeError('It is so.', status, rc), about);
    expect(refusal.remedies).toEqual(remedies);
    expect(refusal.title).not.toBe('');
  });

  it.each([
    ['KudosUpfront', 403, 0, { title: 'This needs more kudos than the account has', text: '90 per minute' }],
    ['', 429, 3, { text: 'The limit is 90 per minute.', advice: 'Try again in 3 s.' }],
    ['', 429, 0, { advice: 'Try again in a moment.' }],
    ['', 500, 0, { title: 'The horde failed' }],
    ['', 0, 0, { title: 'The horde does not answer' }],
    ['', 418, 0, { title: 'The horde refused this', advice: '' }],
  ] as const)('explains %s (%i)', (rc, status, retryAfter, want) => {
    expect(explain(new HordeError('90 per minute', status, rc, {}, retryAfter))).toMatchObject(want);
  });

  it('points at the fields of the form that are wrong', () => {
    const error = new HordeError('Input payload validation failed', 400, '', { 'params.width': 'too wide' });
    expect(explain(error)).toEqual({
      title: 'Some settings are not possible',
      text: '',
      advice: 'They are marked in the form.',
    });
  });

  it('explains what is no answer of the horde', () => {
    expect(refusalOf(new Error('no'), visitor)).toMatchObject({ remedies: [], text: 'no' });
  });
});
