// One stream of events for all tabs of this browser. One tab leads: it watches the
// requests of all, and passes the news on. When it is closed, another takes over.
// Where tabs cannot speak with each other, each watches for itself.

import type { Horde } from './api';
import { safely, Watcher, type News } from './watch';

/** What tabs say to each other. */
type Word =
  /** The requests that a tab follows; none: it leaves. */
  | { from: string; say: 'want'; ids: string[] }
  /** The leader asks what everybody wants. */
  | { from: string; say: 'who' }
  | { from: string; say: 'news'; news: News }
  /** The leader lives, and is at it. */
  | { from: string; say: 'alive' };

/** The shortest time between two signs of life of the leader, ms. */
const SIGN = 3000;
/** A leader that gives none for so long (the browser may have frozen its tab) is not waited for, ms. */
const SILENCE = 30_000;
/** How often a follower looks for signs of life, ms. */
const LOOK = 5000;

type Listener = (news: News) => void;

/** What the feed needs of the browser, so that tests can have several in one. */
export interface Surroundings {
  /** A channel to the other tabs; undefined where there is none. */
  channel?: Pick<BroadcastChannel, 'postMessage' | 'close'> & { onmessage: ((event: MessageEvent) => void) | null };
  /** Calls lead when this tab is the leader, and stop when it no longer is. */
  elect?: (tab: string, lead: () => void, stop: () => void) => void;
}

/** Follows requests for the cards of this tab. */
export class Feed {
  readonly #tab = Math.random().toString(36).slice(2);
  #listeners = new Map<string, Set<Listener>>();
  /** Of the leader: what each tab wants. */
  #wants = new Map<string, string[]>();
  #leads = false;
  #watcher: Watcher | undefined;
  #signAt = 0;
  #lookout: ReturnType<typeof setInterval> | undefined;
  #joined = false;

  constructor(
    private readonly horde: Horde,
    private readonly around: Surroundings,
  ) {}

  /** Follows a request until it ends or the returned function is called. */
  follow(id: string, listener: Listener): () => void {
    this.#join();
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    this.#want([id]);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(id) !== listeners) return;
      this.#listeners.delete(id);
      this.#want();
    };
  }

  /** This tab is being left: the others need not follow for it. */
  leave(): void {
    this.#say({ say: 'want', ids: [] });
  }

  /** This tab was left and is back. */
  back(): void {
    if (this.#joined) this.#want(this.#ids());
  }

  #ids(): string[] {
    return [...this.#listeners.keys()];
  }

  // A tab takes part once it has something to follow.
  #join(): void {
    if (this.#joined) return;
    this.#joined = true;
    const { channel, elect } = this.around;
    if (!channel || !elect) return this.#lead();
    this.#signAt = Date.now();
    channel.onmessage = (event) => this.#hear(event.data as Word);
    elect(this.#tab, () => this.#lead(), () => this.#follow());
    this.#lookout = setInterval(() => this.#look(), LOOK);
  }

  #lead(): void {
    this.#leads = true;
    clearInterval(this.#lookout);
    this.#wants.clear();
    this.#start();
    this.#say({ say: 'who' });
  }

  // Another tab leads after all.
  #follow(): void {
    this.#leads = false;
    this.#stopWatching();
    this.#signAt = Date.now();
    clearInterval(this.#lookout);
    this.#lookout = setInterval(() => this.#look(), LOOK);
    this.#want();
  }

  // Without a sign of the leader this tab watches for itself, until there is one.
  #look(): void {
    if (this.#leads || this.#watcher || this.#listeners.size === 0) return;
    if (Date.now() - this.#signAt >= SILENCE) this.#start();
  }

  #start(): void {
    this.#watcher ??= new Watcher(
      this.horde,
      (news) => {
        if (this.#leads) this.#say({ say: 'news', news });
        this.#tell(news);
      },
      () => this.#sign(),
    );
    this.#watch();
  }

  #stopWatching(): void {
    this.#watcher?.stop();
    this.#watcher = undefined;
  }

  // Whoever watches follows what is wanted: of all tabs, or of this one alone.
  #watch(): void {
    const others = this.#leads ? [...this.#wants.values()].flat() : [];
    this.#watcher?.follow(new Set([...this.#ids(), ...others]));
  }

  /** What this tab wants has changed. To those added, what is known already is told. */
  #want(added: string[] = []): void {
    if (!this.#watcher) return this.#say({ say: 'want', ids: this.#ids() });
    const watcher = this.#watcher;
    const known = added.map((id) => watcher.known(id));
    this.#watch();
    for (const news of known.flat()) this.#tell(news);
    if (!this.#leads) this.#say({ say: 'want', ids: this.#ids() });
  }

  #hear(word: Word): void {
    if (word.from === this.#tab) return;
    if (word.say === 'want') return this.#wanted(word.from, word.ids);
    if (this.#leads) return; // two leaders, for the moment that it takes to agree

    this.#signAt = Date.now();
    this.#stopWatching();
    if (word.say === 'who') this.#say({ say: 'want', ids: this.#ids() });
    if (word.say === 'news') this.#tell(word.news);
  }

  #wanted(tab: string, ids: string[]): void {
    if (!this.#leads || !this.#watcher) return;
    const before = this.#wants.get(tab) ?? [];
    if (ids.length > 0) this.#wants.set(tab, ids);
    else this.#wants.delete(tab);

    // A tab that joins late needs what the others have heard already.
    for (const id of ids) {
      if (before.includes(id)) continue;
      for (const news of this.#watcher.known(id)) this.#say({ say: 'news', news });
    }
    this.#watch();
    this.#sign();
  }

  #tell(news: News): void {
    if (news.kind === 'reach') {
      for (const listeners of this.#listeners.values()) for (const listener of listeners) safely(() => listener(news));
      return;
    }
    const listeners = this.#listeners.get(news.id) ?? [];
    if (news.kind === 'end' || news.kind === 'gone') {
      this.#listeners.delete(news.id);
      for (const [tab, ids] of this.#wants) this.#wants.set(tab, ids.filter((id) => id !== news.id));
    }
    for (const listener of listeners) safely(() => listener(news));
  }

  #sign(): void {
    if (!this.#leads || Date.now() - this.#signAt < SIGN) return;
    this.#signAt = Date.now();
    this.#say({ say: 'alive' });
  }

  #say(word: Omit<Extract<Word, { say: 'want' }>, 'from'> | { say: 'who' } | { say: 'news'; news: News } | { say: 'alive' }): void {
    this.around.channel?.postMessage({ ...word, from: this.#tab });
  }
}

/** The name of the lock, the lease and the channel of a browser's tabs. */
const NAME = 'horde.events';

/** The surroundings that this browser has. */
export function surroundings(): Surroundings {
  if (typeof BroadcastChannel !== 'function') return {};
  return { channel: new BroadcastChannel(NAME), elect: navigator.locks ? byLock : byLease };
}

// The browser gives the lock to the next tab when this one is closed.
function byLock(_: string, lead: () => void): void {
  void navigator.locks.request(NAME, () => {
    lead();
    return new Promise<never>(() => {});
  });
}

/** How long a lease lasts, and how often it is renewed, ms. */
const LEASE = 8000;
const RENEW = 2000;

/**
 * Elects where pages have no locks (plain http from another machine): the leader
 * renews a lease in the browser's storage. Two may lead for the moment that it takes
 * to see each other, which costs no more than a second stream.
 */
export function byLease(tab: string, lead: () => void, stop: () => void, storage: Storage | undefined = storageOf()): void {
  if (!storage) return lead();
  let leads = false;
  const look = () => {
    const held = leaseIn(storage);
    const free = held.tab === tab || Date.now() - held.at > LEASE;
    if (free) storage.setItem(NAME, JSON.stringify({ tab, at: Date.now() }));
    if (free === leads) return;
    leads = free;
    if (leads) lead();
    else stop();
  };
  look();
  setInterval(look, RENEW);
  globalThis.addEventListener?.('pagehide', () => {
    if (leads) storage.removeItem(NAME);
  });
}

function leaseIn(storage: Storage): { tab: string; at: number } {
  try {
    const { tab, at } = JSON.parse(storage.getItem(NAME) ?? '') as { tab: unknown; at: unknown };
    return { tab: String(tab), at: Number(at) || 0 };
  } catch {
    return { tab: '', at: 0 };
  }
}

function storageOf(): Storage | undefined {
  try {
    localStorage.setItem(NAME + '.try', '1');
    localStorage.removeItem(NAME + '.try');
    return localStorage;
  } catch {
    return undefined;
  }
}
