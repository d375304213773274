import { describe, expect, it } from 'vitest';
import { loadable } from './links';

const SIGNED = '/blob/01a2.webp?e=1795951092&s=mOYY110Z';

describe('a loadable link', () => {
  const https = { protocol: 'https:', host: 'horde.example' };
  const http = { protocol: 'http:', host: '192.168.1.5:7001' };
  it.each([
    ['the right host by the wrong scheme', `http://horde.example${SIGNED}`, https, SIGNED],
    ['plain http that a page by https may not load', `http://127.0.0.1:7001${SIGNED}`, https, SIGNED],
    ['its own address', `https://horde.example${SIGNED}`, https, SIGNED],
    ['its own address, plain', `http://192.168.1.5:7001${SIGNED}`, http, SIGNED],
    [
      'an address that was set for everybody',
      `https://images.example${SIGNED}`,
      https,
      `https://images.example${SIGNED}`,
    ],
    ['another host on a plain page', `http://127.0.0.1:7001${SIGNED}`, http, `http://127.0.0.1:7001${SIGNED}`],
    [
      'an S3 store',
      'http://s3.example/blob/x.webp?X-Amz-Signature=1',
      https,
      'http://s3.example/blob/x.webp?X-Amz-Signature=1',
    ],
    ['a stranger', 'http://elsewhere.example/x.png', https, 'http://elsewhere.example/x.png'],
    ['no link', 'UklGRabc', https, 'UklGRabc'],
    ['nothing that can be read', 'http://[', https, 'http://['],
  ])('%s', (_, link, page, want) => {
    expect(loadable(link, page)).toBe(want);
  });

  it('leaves links alone where there is no page', () => {
    expect(loadable(`http://x${SIGNED}`, undefined)).toBe(`http://x${SIGNED}`);
  });
});
