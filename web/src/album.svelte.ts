// The pictures on the wall: this browser's history, with addresses to show
// them by. The oldest make room when there are too many.

import { openHistory, type History, type Kept } from './history';

/** How many pictures a browser keeps. */
export const CAPACITY = 300;

/** A kept picture and the object URL that shows it. */
export interface Hung extends Kept {
  url: string;
}

class Album {
  /** Newest first. */
  pictures = $state.raw<Hung[]>([]);
  loaded = $state(false);
  /** False: this browser keeps nothing, the pictures go with the page. */
  lasting = $state(true);

  #history: Promise<History> = openHistory();

  async load(): Promise<void> {
    const history = await this.#history;
    this.lasting = history.lasting;
    const kept = await history.all().catch(() => [] as Kept[]);
    const known = new Set(this.pictures.map((p) => p.id));
    this.pictures = [...this.pictures, ...kept.filter((p) => !known.has(p.id)).map(hang)];
    this.loaded = true;
  }

  /** Hangs a picture up and keeps it; one that hangs already stays as it is. */
  async add(picture: Kept): Promise<Hung> {
    const there = this.pictures.find((p) => p.id === picture.id);
    if (there) return there;
    const hung = hang(picture);
    this.pictures = [hung, ...this.pictures];
    const history = await this.#history;
    // A full disk must not lose the picture that is on the screen.
    await history.put(picture).catch(() => (this.lasting = false));
    for (const old of this.pictures.slice(CAPACITY)) await this.remove(old.id);
    return hung;
  }

  async remove(id: string): Promise<void> {
    this.#takeDown(this.pictures.filter((p) => p.id === id));
    await (await this.#history).remove(id).catch(() => undefined);
  }

  async clear(): Promise<void> {
    this.#takeDown(this.pictures);
    await (await this.#history).clear().catch(() => undefined);
  }

  #takeDown(gone: Hung[]): void {
    this.pictures = this.pictures.filter((p) => !gone.includes(p));
    for (const picture of gone) URL.revokeObjectURL(picture.url);
  }
}

function hang(picture: Kept): Hung {
  return { ...picture, url: URL.createObjectURL(picture.blob) };
}

export const album = new Album();
