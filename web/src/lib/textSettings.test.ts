import { describe, expect, it } from 'vitest';
import { defaultTextSettings, stopSequences, textErrorsByField, toTextBody, validateText } from './textSettings';

const settings = { ...defaultTextSettings(), prompt: 'Once upon a time' };

describe('stop sequences', () => {
  it.each([
    ['', []],
    ['\n\n', []],
    ['END', ['END']],
    ['END\r\nUser:\nEND', ['END', 'User:']],
    [' and \n', [' and ']],
    ['\\n\\n', ['\n\n']],
    ['a\\tb\\\\n', ['a\tb\\n']],
    ['C:\\x', ['C:\\x']],
  ])('of %j', (typed, want) => expect(stopSequences(typed)).toEqual(want));
});

describe('a text request', () => {
  it('says what was chosen, and nothing else', () => {
    expect(toTextBody(settings, 2048)).toEqual({
      prompt: 'Once upon a time',
      params: { n: 1, max_length: 80, max_context_length: 2048 },
      models: [],
      slow_workers: true,
    });
    const chosen = { ...settings, model: 'small', stop: 'END', downgrade: true };
    expect(toTextBody(chosen, 512)).toMatchObject({
      params: { stop_sequence: ['END'] },
      models: ['small'],
      allow_downgrade: true,
    });
  });

  it('keeps the spaces and lines of the prompt: the text goes on where it ends', () => {
    expect(toTextBody({ ...settings, prompt: ' 1, 2,\n' }, 80).prompt).toBe(' 1, 2,\n');
  });
});

describe('what is wrong with settings', () => {
  it.each([
    [{}, {}],
    [{ prompt: ' \n' }, { prompt: 'Write what the text should continue.' }],
    [{ length: 15 }, { length: 'A whole number from 16 to 256.' }],
    [{ length: 16 }, {}],
    [{ length: 256 }, {}],
    [{ length: 257 }, { length: 'A whole number from 16 to 256.' }],
    [{ length: 20.5 }, { length: 'A whole number from 16 to 256.' }],
    [{ length: null as unknown as number }, { length: 'A whole number from 16 to 256.' }],
    [{ stop: Array.from({ length: 128 }, (_, i) => i).join('\n') }, {}],
    [{ stop: Array.from({ length: 129 }, (_, i) => i).join('\n') }, { stop: 'At most 128 of them.' }],
    [{ stop: 'x'.repeat(2000) }, {}],
    [{ stop: 'x'.repeat(2001) }, { stop: 'At most 2,000 characters in all.' }],
  ])('%j', (change, want) => expect(validateText({ ...settings, ...change }, 256)).toEqual(want));

  it('as the server says it stands beside its field', () => {
    const said = { 'params.max_length': 'too long', 'params.stop_sequence.0': 'odd', 'params.n': 'no' };
    expect(textErrorsByField(said)).toEqual({
      fields: { length: 'too long', stop: 'odd' },
      rest: ['params.n: no'],
    });
  });
});
