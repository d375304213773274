// One stream of events for all tabs of this browser. One tab leads: it watches the
// requests of all, and passes the events on. When it is closed, another takes over.
// Where tabs cannot speak with each other, each watches for itself.

import type { HordeClient } from '../api/client';
import type { TabEnvironment } from './leader';
import { safely, Watcher, type RequestEvent } from './watcher';

/** What tabs say to each other. */
type Message =
  /** The requests that a tab follows; none: it leaves. */
  | { type: 'follow'; ids: string[] }
  /** The leader asks what everybody follows. */
  | { type: 'roll-call' }
  | { type: 'event'; event: RequestEvent }
  /** The leader is alive and at work. */
  | { type: 'alive' };

type SentMessage = Message & { from: string };

/** The shortest time between two signs of life of the leader, ms. */
const SIGN_INTERVAL = 3000;
/** A leader that is silent for so long (the browser may have frozen its tab) is not waited for, ms. */
const LEADER_SILENCE = 30_000;
/** How often a follower looks for signs of life, ms. */
const LOOKOUT_INTERVAL = 5000;

type Listener = (event: RequestEvent) => void;

/** Follows requests for the cards of this tab. */
export class Feed {
  readonly #tab = Math.random().toString(36).slice(2);
  #listeners = new Map<string, Set<Listener>>();
  /** Of the leader: what each other tab follows. */
  #followed = new Map<string, string[]>();
  #leads = false;
  #watcher: Watcher | undefined;
  /** When the leader gave its last sign of life, ms: this tab's own sign if it leads. */
  #signAt = 0;
  #lookout: ReturnType<typeof setInterval> | undefined;
  #joined = false;

  constructor(
    private readonly client: HordeClient,
    private readonly environment: TabEnvironment,
  ) {}

  /** Follows a request until it ends or the returned function is called. */
  follow(id: string, listener: Listener): () => void {
    this.#join();
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    this.#update([id]);

    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(id) !== listeners) return;
      this.#listeners.delete(id);
      this.#update();
    };
  }

  /** This tab is being left: the others need not follow for it. */
  leave(): void {
    this.#send({ type: 'follow', ids: [] });
  }

  /** This tab was left and is back. */
  back(): void {
    if (this.#joined) this.#update(this.#ids());
  }

  #ids(): string[] {
    return [...this.#listeners.keys()];
  }

  // A tab takes part once it has something to follow.
  #join(): void {
    if (this.#joined) return;
    this.#joined = true;
    const { channel, elect } = this.environment;
    if (!channel || !elect) return this.#lead();

    this.#signAt = Date.now();
    channel.onmessage = (event) => this.#receive(event.data as SentMessage);
    elect(this.#tab, () => this.#lead(), () => this.#stepDown());
    this.#lookout = setInterval(() => this.#look(), LOOKOUT_INTERVAL);
  }

  #lead(): void {
    this.#leads = true;
    clearInterval(this.#lookout);
    this.#followed.clear();
    this.#startWatching();
    this.#send({ type: 'roll-call' });
  }

  // Another tab leads after all.
  #stepDown(): void {
    this.#leads = false;
    this.#stopWatching();
    this.#signAt = Date.now();
    clearInterval(this.#lookout);
    this.#lookout = setInterval(() => this.#look(), LOOKOUT_INTERVAL);
    this.#update();
  }

  // Without a sign of the leader this tab watches for itself, until there is one.
  #look(): void {
    if (this.#leads || this.#watcher || this.#listeners.size === 0) return;
    if (Date.now() - this.#signAt >= LEADER_SILENCE) this.#startWatching();
  }

  #startWatching(): void {
    this.#watcher ??= new Watcher(
      this.client,
      (event) => {
        if (this.#leads) this.#send({ type: 'event', event });
        this.#tell(event);
      },
      () => this.#sign(),
    );
    this.#watch();
  }

  #stopWatching(): void {
    this.#watcher?.stop();
    this.#watcher = undefined;
  }

  // Whoever watches follows what all tabs follow, or what this one alone does.
  #watch(): void {
    const others = this.#leads ? [...this.#followed.values()].flat() : [];
    this.#watcher?.follow(new Set([...this.#ids(), ...others]));
  }

  /** This tab follows other requests than before. To those added, what is known already is told. */
  #update(added: string[] = []): void {
    if (!this.#watcher) return this.#send({ type: 'follow', ids: this.#ids() });

    const watcher = this.#watcher;
    const known = added.map((id) => watcher.known(id));
    this.#watch();
    for (const event of known.flat()) this.#tell(event);
    if (!this.#leads) this.#send({ type: 'follow', ids: this.#ids() });
  }

  #receive(message: SentMessage): void {
    if (message.from === this.#tab) return;
    if (message.type === 'follow') return this.#followFor(message.from, message.ids);
    if (this.#leads) return; // two leaders, for the moment that it takes to agree

    // The leader is alive, so this tab need not watch for itself.
    this.#signAt = Date.now();
    this.#stopWatching();
    if (message.type === 'roll-call') this.#send({ type: 'follow', ids: this.#ids() });
    if (message.type === 'event') this.#tell(message.event);
  }

  /** Another tab says which requests it follows. */
  #followFor(tab: string, ids: string[]): void {
    if (!this.#leads || !this.#watcher) return;
    const before = this.#followed.get(tab) ?? [];
    if (ids.length > 0) this.#followed.set(tab, ids);
    else this.#followed.delete(tab);

    // A tab that joins late needs what the others have heard already.
    for (const id of ids) {
      if (before.includes(id)) continue;
      for (const event of this.#watcher.known(id)) this.#send({ type: 'event', event });
    }
    this.#watch();
    this.#sign();
  }

  #tell(event: RequestEvent): void {
    if (event.kind === 'connection') {
      for (const listeners of this.#listeners.values()) for (const listener of listeners) safely(() => listener(event));
      return;
    }

    const listeners = this.#listeners.get(event.id) ?? [];
    if (event.kind === 'end' || event.kind === 'gone') {
      this.#listeners.delete(event.id);
      for (const [tab, ids] of this.#followed) this.#followed.set(tab, ids.filter((id) => id !== event.id));
    }
    for (const listener of listeners) safely(() => listener(event));
  }

  #sign(): void {
    if (!this.#leads || Date.now() - this.#signAt < SIGN_INTERVAL) return;
    this.#signAt = Date.now();
    this.#send({ type: 'alive' });
  }

  #send(message: Message): void {
    this.environment.channel?.postMessage({ ...message, from: this.#tab });
  }
}
