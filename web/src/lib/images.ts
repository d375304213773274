// Images as the API gives them, base64 text or a URL, turned into blobs for showing,
// keeping and downloading.

import { loadable } from './links';
import { withTimeout } from './timeout';

/** What a horde gives for an image that its worker never uploaded. */
export const NOT_UPLOADED = 'N/A';

/** How many images are fetched at a time: browsers have six connections to one server. */
const MAX_FETCHES = 3;
/** How long fetching one may take, ms. */
const FETCH_TIMEOUT = 60_000;
/** The longest side of a source image that is sent, pixels. */
const MAX_SOURCE_SIDE = 1536;

/** The media type that base64 text begins with; WebP if it is none we know. */
export function mediaType(base64: string): string {
  if (base64.startsWith('/9j/')) return 'image/jpeg';
  if (base64.startsWith('iVBOR')) return 'image/png';
  if (base64.startsWith('R0lGOD')) return 'image/gif';
  return 'image/webp';
}

export function isURL(img: string): boolean {
  return /^https?:\/\//.test(img) || img.startsWith('/blob/') || img.startsWith('/blobs/');
}

/** A source for <img>: the URL itself, or the base64 text as data: URL. */
export function imageSource(img: string): string {
  return isURL(img) ? loadable(img) : `data:${mediaType(img)};base64,${img}`;
}

/** Why an image is not here, in words for who waits for it. */
export class ImageError extends Error {
  constructor(
    message: string,
    /** HTTP status; 0: its host cannot be reached, or does not let pages read it. */
    readonly status: number,
  ) {
    super(message);
    this.name = 'ImageError';
  }
}

let fetching = 0;
const queue: (() => void)[] = [];

async function inTurn<T>(act: () => Promise<T>): Promise<T> {
  if (fetching >= MAX_FETCHES) await new Promise<void>((resolve) => queue.push(resolve));
  else fetching++;
  try {
    return await act();
  } finally {
    // Whoever waits takes this place over, so the count stays.
    const next = queue.shift();
    if (next) next();
    else fetching--;
  }
}

/** The image's bytes. Throws an ImageError when they cannot be had. */
export async function fetchBlob(img: string): Promise<Blob> {
  if (img === NOT_UPLOADED || img === '') throw new ImageError('The worker did not upload this image.', 404);
  return isURL(img) ? inTurn(() => fetchURL(loadable(img))) : decode(img);
}

function decode(base64: string): Blob {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new Blob([bytes], { type: mediaType(base64) });
  } catch {
    throw new ImageError('The worker sent something that is not an image.', 200);
  }
}

async function fetchURL(url: string): Promise<Blob> {
  const limit = withTimeout(undefined, FETCH_TIMEOUT);
  try {
    const response = await fetch(url, { signal: limit.signal });
    if (!response.ok) throw new ImageError(refusal(url, response.status), response.status);
    const blob = await response.blob();
    return blob.type.startsWith('image/') ? blob : new Blob([blob], { type: 'image/webp' });
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(`This browser cannot reach the image at ${hostOf(url)}.`, 0);
  } finally {
    limit.clear();
  }
}

function refusal(url: string, status: number): string {
  if (status === 403 || status === 410) return 'The link to this image has expired.';
  if (status === 404) return `${hostOf(url)} no longer has this image.`;
  return `${hostOf(url)} answered ${status} instead of the image.`;
}

/** Host and port of a link. */
export function hostOf(url: string): string {
  try {
    return new URL(url, globalThis.location?.href).host;
  } catch {
    return url;
  }
}

/** Reports whether the browser can show the image by its address, though pages may not read it. */
export async function canShow(img: string): Promise<boolean> {
  const image = new Image();
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), FETCH_TIMEOUT));
  image.src = imageSource(img);
  const shown = image.decode().then(() => true, () => false);
  return Promise.race([shown, late]);
}

/** A file name that says what it shows: "a-red-fox-in-the-snow-42.webp". */
export function fileName(prompt: string, seed: string, type = 'image/webp'): string {
  const words = prompt
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, 48)
    .replace(/^-+|-+$/g, '');

  const extension = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif' }[type] ?? 'webp';
  return `${[words || 'image', seed].filter(Boolean).join('-')}.${extension}`;
}

/** Lets the browser save a blob under a name. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;

  // Some browsers save only what a link in the document leads to, and after the click.
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Reads an image file as base64 WebP or PNG, made smaller if it is large. */
export async function readImageFile(file: Blob): Promise<string> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, MAX_SOURCE_SIDE / Math.max(bitmap.width, bitmap.height));

  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();

  const url = canvas.toDataURL('image/webp', 0.92);
  return url.slice(url.indexOf(',') + 1);
}
