import { describe, expect, it } from 'vitest';
import type { Check } from './api/types';
import { movementText, ordinal, priceOperation, queueState, seconds, signedAmount } from './format';

describe('kudos', () => {
  it('are signed where they were given or taken', () => {
    expect([signedAmount(14), signedAmount(-8.745), signedAmount(0)]).toEqual(['+14', '−8.75', '+0']);
  });

  it.each([
    [{ factor: 1.3 }, '×1.3'],
    [{ add: 6 }, '+6'],
    [{ add: -0.4 }, '−0.4'],
    [{}, ''],
  ])('a line of a price, %o, reads %s', (line, want) => {
    expect(priceOperation(line)).toBe(want);
  });

  it('leave the id of a request out of their movements', () => {
    const text = 'Request 01a211f2-b17e-7b38-a4da-88ea12a1afff: accepted, 2 deliveries';
    expect(movementText(text)).toBe('Request accepted, 2 deliveries');
    expect(movementText('Request accepted: its tax')).toBe('Request accepted: its tax');
  });
});

it.each([
  [0.2, '1 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [89, '1 min 29 s'],
  [94, '1 min 34 s'],
  [120, '2 min'],
  [150, '2 min 30 s'],
  [3599, '59 min 59 s'],
  [3600, '1 h'],
  [7200, '2 h'],
  [7500, '2 h 5 min'],
])('%s seconds are %s', (value, want) => {
  expect(seconds(value)).toBe(want);
});

it('says where a request is in the queue', () => {
  const check: Check = {
    finished: 0, processing: 0, restarted: 0, waiting: 1, done: false, faulted: false,
    wait_time: 0, queue_position: 0, kudos: 0, is_possible: true,
  };
  expect(queueState(undefined)).toBe('Sending it to the horde');
  expect(queueState({ ...check, queue_position: 3 })).toBe('3rd in the queue');
  expect(queueState(check)).toBe('Waiting for a worker');
  expect(queueState({ ...check, processing: 1 })).toBe('A worker has it');
  expect([1, 2, 3, 11, 21].map(ordinal)).toEqual(['1st', '2nd', '3rd', '11th', '21st']);
});
