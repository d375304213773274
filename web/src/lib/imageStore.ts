// The images of this browser, kept in IndexedDB. Where that is not to be had they live
// in memory as long as the page; `persistent` says which.

import type { ChosenLora } from './settings';

/** An image and how it was generated. */
export interface StoredImage {
  /** Id of the job that made it. */
  id: string;
  prompt: string;
  negative: string;
  model: string;
  /** The model as requested; '' was any. */
  requestedModel: string;
  worker: string;
  seed: string;
  width: number;
  height: number;
  steps: number;
  cfg: number;
  sampler: string;
  /** Absent from images of before there were any. */
  loras?: ChosenLora[];
  /** When it was generated, ms since 1970. */
  at: number;
  /** Remarks of the worker, in words. */
  notes: string[];
  blob: Blob;
}

export interface ImageStore {
  readonly persistent: boolean;
  /** Newest first. */
  all(): Promise<StoredImage[]>;
  put(image: StoredImage): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
}

/** The store is in browsers under this name; another one would leave their images behind. */
const STORE = 'pictures';

/** A record of the store. Pages of before called the requested model `ordered`. */
type StoredRecord = Omit<StoredImage, 'requestedModel'> & { requestedModel?: string; ordered?: string };

export async function openImageStore(): Promise<ImageStore> {
  try {
    return persistentStore(await openDatabase());
  } catch {
    return memoryStore();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('horde', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' }).createIndex('at', 'at');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('the image store is locked by another window'));
  });
}

function persistentStore(db: IDBDatabase): ImageStore {
  // A newer page in another window may have to upgrade the store.
  db.onversionchange = () => db.close();

  const run = <T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const tx = db.transaction(STORE, mode);
      const request = act(tx.objectStore(STORE));
      tx.oncomplete = () => resolve(request.result);
      tx.onerror = tx.onabort = () => reject(tx.error);
    });

  return {
    persistent: true,
    all: async () =>
      ((await run('readonly', (s) => s.index('at').getAll())) as StoredRecord[]).map(fromRecord).reverse(),
    put: async (image) => void (await run('readwrite', (s) => s.put(image))),
    remove: async (id) => void (await run('readwrite', (s) => s.delete(id))),
    clear: async () => void (await run('readwrite', (s) => s.clear())),
  };
}

export function fromRecord({ ordered = '', requestedModel = ordered, ...image }: StoredRecord): StoredImage {
  return { ...image, requestedModel };
}

function memoryStore(): ImageStore {
  const images = new Map<string, StoredImage>();
  return {
    persistent: false,
    all: async () => [...images.values()].sort((a, b) => b.at - a.at),
    put: async (image) => void images.set(image.id, image),
    remove: async (id) => void images.delete(id),
    clear: async () => images.clear(),
  };
}
