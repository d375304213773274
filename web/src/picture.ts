// Pictures as the API gives them: base64 text or a URL. Turned into blobs for
// showing, keeping and downloading.

import { here } from './link';

/** The media type that base64 text begins with; WebP if it is none we know. */
export function sniff(base64: string): string {
  if (base64.startsWith('/9j/')) return 'image/jpeg';
  if (base64.startsWith('iVBOR')) return 'image/png';
  if (base64.startsWith('R0lGOD')) return 'image/gif';
  return 'image/webp';
}

export function isURL(img: string): boolean {
  return /^https?:\/\//.test(img) || img.startsWith('/blob/') || img.startsWith('/blobs/');
}

/** A source for <img>: the URL itself, or the base64 text as data: URL. */
export function source(img: string): string {
  return isURL(img) ? here(img) : `data:${sniff(img)};base64,${img}`;
}

/** The picture's bytes. Throws when they cannot be had. */
export async function fetchBlob(img: string): Promise<Blob> {
  if (!isURL(img)) {
    const bytes = Uint8Array.from(atob(img), (char) => char.charCodeAt(0));
    return new Blob([bytes], { type: sniff(img) });
  }
  const response = await fetch(here(img));
  if (!response.ok) throw new Error(`the picture's host answered ${response.status}`);
  const blob = await response.blob();
  return blob.type.startsWith('image/') ? blob : new Blob([blob], { type: 'image/webp' });
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
  const ending = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif' }[type] ?? 'webp';
  return `${[words || 'picture', seed].filter(Boolean).join('-')}.${ending}`;
}

/** Lets the browser save a blob under a name. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The longest side of a starting picture that is sent. */
const LONGEST_SIDE = 1536;

/** Reads a picture file of the visitor, shrunk if it is large, as base64 WebP or PNG. */
export async function readFile(file: Blob): Promise<{ base64: string; width: number; height: number }> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const url = canvas.toDataURL('image/webp', 0.92);
  return { base64: url.slice(url.indexOf(',') + 1), width: canvas.width, height: canvas.height };
}
