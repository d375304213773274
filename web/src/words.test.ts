import { describe, expect, it } from 'vitest';
import { moved, movement, reckoned, seconds } from './words';

describe('kudos in words', () => {
  it('signs what moved', () => {
    expect([moved(14), moved(-8.745), moved(0)]).toEqual(['+14', '−8.75', '+0']);
    expect([reckoned({ factor: 1.3 }), reckoned({ add: -3 }), reckoned({})]).toEqual(['×1.3', '−3', '']);
  });

  it('leaves the id of a request out', () => {
    expect(movement('Request 01a211f2-b17e-7b38-a4da-88ea12a1afff: accepted, 2 deliveries')).toBe('Request accepted, 2 deliveries');
    expect(movement('Request accepted: its tax')).toBe('Request accepted: its tax');
  });
});

it('a duration is said as it is', () => {
  expect([0.2, 59.4, 60, 94, 150, 3599, 3600, 7500].map(seconds)).toEqual([
    '1 s', '59 s', '1 min', '1 min 34 s', '2 min 30 s', '59 min 59 s', '1 h', '2 h 5 min',
  ]);
});
