// The images that this browser has kept, with addresses to show them by. The oldest make
// room when there are too many.

import { openImageStore, type ImageStore, type StoredImage } from '../lib/imageStore';

/** How many images a browser keeps. */
export const MAX_IMAGES = 300;

/** A stored image and the object URL that shows it. */
export interface GalleryImage extends StoredImage {
  url: string;
}

class Gallery {
  /** Newest first. */
  images = $state.raw<GalleryImage[]>([]);
  loaded = $state(false);
  /** False: this browser keeps nothing, the images go with the page. */
  persistent = $state(true);

  #store: Promise<ImageStore> = openImageStore();

  async load(): Promise<void> {
    const store = await this.#store;
    this.persistent = store.persistent;
    const stored = await store.all().catch(() => [] as StoredImage[]);

    const known = new Set(this.images.map(({ id }) => id));
    this.images = [...this.images, ...stored.filter(({ id }) => !known.has(id)).map(withURL)];
    this.loaded = true;
  }

  /** Adds an image and keeps it; one that is there already stays as it is. */
  async add(image: StoredImage): Promise<GalleryImage> {
    const existing = this.images.find(({ id }) => id === image.id);
    if (existing) return existing;
    const added = withURL(image);
    this.images = [added, ...this.images];

    // A full disk must not lose the image that is on the screen.
    const store = await this.#store;
    await store.put(image).catch(() => (this.persistent = false));
    for (const old of this.images.slice(MAX_IMAGES)) await this.remove(old.id);
    return added;
  }

  async remove(id: string): Promise<void> {
    this.#drop(this.images.filter((image) => image.id === id));
    await (await this.#store).remove(id).catch(() => undefined);
  }

  async clear(): Promise<void> {
    this.#drop(this.images);
    await (await this.#store).clear().catch(() => undefined);
  }

  #drop(gone: GalleryImage[]): void {
    this.images = this.images.filter((image) => !gone.includes(image));
    for (const { url } of gone) URL.revokeObjectURL(url);
  }
}

function withURL(image: StoredImage): GalleryImage {
  return { ...image, url: URL.createObjectURL(image.blob) };
}

export const gallery = new Gallery();
