import { afterEach, describe, expect, it, vi } from 'vitest';
import { here } from './link';
import { canShow, isURL, source } from './picture';

const OURS = '/blob/01a2.webp?e=1795951092&s=mOYY110Z';

describe('here', () => {
  const https = { protocol: 'https:', host: 'horde.example' };
  const http = { protocol: 'http:', host: '192.168.1.5:7001' };
  it.each([
    ['the right host by the wrong scheme', `http://horde.example${OURS}`, https, OURS],
    ['plain http that a page by https may not load', `http://127.0.0.1:7001${OURS}`, https, OURS],
    ['its own address', `https://horde.example${OURS}`, https, OURS],
    ['its own address, plain', `http://192.168.1.5:7001${OURS}`, http, OURS],
    ['an address that was set for everybody', `https://images.example${OURS}`, https, `https://images.example${OURS}`],
    ['another host on a plain page', `http://127.0.0.1:7001${OURS}`, http, `http://127.0.0.1:7001${OURS}`],
    ['an S3 store', 'http://s3.example/blob/x.webp?X-Amz-Signature=1', https, 'http://s3.example/blob/x.webp?X-Amz-Signature=1'],
    ['a stranger', 'http://elsewhere.example/x.png', https, 'http://elsewhere.example/x.png'],
    ['no link', 'UklGRabc', https, 'UklGRabc'],
    ['nothing that can be read', 'http://[', https, 'http://['],
  ])('%s', (_, link, page, want) => {
    expect(here(link, page)).toBe(want);
  });

  it('leaves links alone where there is no page', () => {
    expect(here(`http://x${OURS}`, undefined)).toBe(`http://x${OURS}`);
  });
});

describe('whether an image can be shown', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is tried by the address that it is shown by', async () => {
    const tried: string[] = [];
    vi.stubGlobal('location', { protocol: 'https:', host: 'horde.example', href: 'https://horde.example/' });
    vi.stubGlobal(
      'Image',
      class {
        set src(src: string) {
          tried.push(src);
        }
        async decode(): Promise<void> {
          if (tried.at(-1)!.startsWith('http:')) throw new Error('mixed content');
        }
      },
    );
    expect(await canShow(`http://127.0.0.1:7001${OURS}`)).toBe(true);
    expect(tried).toEqual([source(`http://127.0.0.1:7001${OURS}`)]);
  });
});

describe('a relative link', () => {
  it('is a source for an image, not base64', () => {
    expect(isURL(OURS)).toBe(true);
    expect(source(OURS)).toBe(OURS);
    expect(isURL('UklGR/blob/')).toBe(false);
  });
});
