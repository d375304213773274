// The pictures of this browser, kept in IndexedDB. Where that is not to be had
// they live in memory as long as the page; `lasting` tells which.

/** A picture and how it came to be. */
export interface Kept {
  /** Id of the job that made it. */
  id: string;
  prompt: string;
  negative: string;
  model: string;
  /** The model as ordered; '' was any. */
  ordered: string;
  worker: string;
  seed: string;
  width: number;
  height: number;
  steps: number;
  cfg: number;
  sampler: string;
  /** Painted at, ms since 1970. */
  at: number;
  /** Remarks of the worker, in words. */
  notes: string[];
  blob: Blob;
}

export interface History {
  readonly lasting: boolean;
  /** Newest first. */
  all(): Promise<Kept[]>;
  put(picture: Kept): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
}

const STORE = 'pictures';

export async function openHistory(): Promise<History> {
  try {
    return lasting(await open());
  } catch {
    return fleeting();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('horde', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' }).createIndex('at', 'at');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('the history is locked by another window'));
  });
}

function lasting(db: IDBDatabase): History {
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
    lasting: true,
    all: async () => ((await run('readonly', (s) => s.index('at').getAll())) as Kept[]).reverse(),
    put: async (picture) => void (await run('readwrite', (s) => s.put(picture))),
    remove: async (id) => void (await run('readwrite', (s) => s.delete(id))),
    clear: async () => void (await run('readwrite', (s) => s.clear())),
  };
}

function fleeting(): History {
  const pictures = new Map<string, Kept>();
  return {
    lasting: false,
    all: async () => [...pictures.values()].sort((a, b) => b.at - a.at),
    put: async (picture) => void pictures.set(picture.id, picture),
    remove: async (id) => void pictures.delete(id),
    clear: async () => pictures.clear(),
  };
}
