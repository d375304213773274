import { afterEach, describe, expect, it, vi } from 'vitest';
import { canShow, fileName, imageSource, isURL, mediaType } from './images';

/** A link that the server signed itself. */
const SIGNED = '/blob/01a2.webp?e=1795951092&s=mOYY110Z';

describe('a file name', () => {
  it.each([
    ['A red fox, in the snow!', '42', undefined, 'a-red-fox-in-the-snow-42.webp'],
    ['Füchse / дом', '7', 'image/png', 'fuchse-дом-7.png'],
    ['../../etc/passwd', '1', undefined, 'etc-passwd-1.webp'],
    ['!!!', '', undefined, 'image.webp'],
  ])('says what the image shows: %s', (prompt, seed, type, want) => {
    expect(fileName(prompt, seed, type)).toBe(want);
  });
});

describe('an image of the API', () => {
  it('is a URL or base64', () => {
    expect(isURL('https://x/y.webp')).toBe(true);
    expect(isURL(SIGNED)).toBe(true);
    expect(isURL('UklGRhttps')).toBe(false);
    expect(isURL('UklGR/blob/')).toBe(false);
    expect(mediaType('/9j/4AAQ')).toBe('image/jpeg');
    expect(imageSource('UklGRabc')).toBe('data:image/webp;base64,UklGRabc');
    expect(imageSource(SIGNED)).toBe(SIGNED);
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

    expect(await canShow(`http://127.0.0.1:7001${SIGNED}`)).toBe(true);
    expect(tried).toEqual([imageSource(`http://127.0.0.1:7001${SIGNED}`)]);
  });
});
