import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HordeError, type HordeClient } from '../api/client';
import { Feed } from './feed';
import { byLease, type TabEnvironment } from './leader';
import type { RequestEvent } from './watcher';

/** A server that every tab of the test speaks with: it counts the streams that are open. */
class Server {
  open = new Map<AbortSignal, { ids: string[]; say: (name: string, request: string, data?: object) => void }>();
  down = false;
  async events(ids: string[], signal: AbortSignal): Promise<Response> {
    if (this.down) throw new HordeError('down', 0);
    let control!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (c) => void (control = c) });
    const say = (name: string, request: string, data: object = {}) =>
      control.enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify({ request, ...data })}\n\n`));
    this.open.set(signal, { ids, say });
    signal.addEventListener('abort', () => {
      this.open.delete(signal);
      control.error(new Error('aborted'));
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  }
  async check(): Promise<never> {
    throw new HordeError('down', 0);
  }
  /** Everything that is followed, by stream. */
  get followed(): string[] {
    return [...this.open.values()].map(({ ids }) => ids.join());
  }
  say(name: string, request: string, data?: object) {
    for (const stream of this.open.values()) if (stream.ids.includes(request)) stream.say(name, request, data);
  }
}

/** A browser with tabs: words between them take a moment, and one has the lock. */
class Browser {
  tabs = new Set<Tab>();
  queue: Tab[] = [];
  /** The lock goes to the next in the queue. */
  grant() {
    this.queue[0]?.lead();
  }
}

class Tab {
  channel = {
    onmessage: null as ((event: MessageEvent) => void) | null,
    postMessage: (data: unknown) => this.post(data),
    close() {},
  };
  feed: Feed;
  frozen = false;
  lead: () => void = () => {};
  heard: Record<string, RequestEvent[]> = {};
  constructor(
    readonly browser: Browser,
    readonly server: Server,
  ) {
    browser.tabs.add(this);
    const environment: TabEnvironment = {
      channel: this.channel,
      elect: (_, lead) => {
        this.lead = lead;
        browser.queue.push(this);
        if (browser.queue.length === 1) setTimeout(() => browser.grant(), 1);
      },
    };
    this.feed = new Feed(server as unknown as HordeClient, environment);
  }
  post(data: unknown) {
    if (this.frozen) return;
    const copy = structuredClone(data);
    for (const tab of this.browser.tabs)
      if (tab !== this) setTimeout(() => !tab.frozen && tab.channel.onmessage?.({ data: copy } as MessageEvent), 1);
  }
  follow(id: string) {
    const heard = (this.heard[id] ??= []);
    return this.feed.follow(id, (event) => heard.push(event));
  }
  kinds(id: string) {
    return this.heard[id]!.map((event) =>
      event.kind === 'connection' ? `connection ${event.answers}` : event.kind,
    ).filter((kind) => kind !== 'connection true');
  }
  close() {
    this.feed.leave();
    for (const signal of [...this.server.open.keys()])
      if (this === this.browser.queue[0]) this.server.open.delete(signal);
    this.browser.tabs.delete(this);
    this.browser.queue = this.browser.queue.filter((tab) => tab !== this);
    setTimeout(() => this.browser.grant(), 1);
  }
}
const pass = (ms = 20) => vi.advanceTimersByTimeAsync(ms);

let server: Server;
let browser: Browser;
beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  browser = new Browser();
});
afterEach(() => void vi.useRealTimers());

describe('the feed', () => {
  it('has one stream for the requests of all tabs', async () => {
    const [one, two] = [new Tab(browser, server), new Tab(browser, server)];
    for (const id of ['a', 'b', 'c', 'd']) one.follow(id);
    await pass();
    for (const id of ['e', 'f', 'g']) two.follow(id);
    await pass();
    expect(server.followed).toEqual(['a,b,c,d,e,f,g']);
    server.say('status', 'a', { waiting: 1 });
    server.say('progress', 'g', { job: 'j', step: 1, steps: 2 });
    server.say('end', 'f');
    await pass();
    expect(one.kinds('a')).toEqual(['status']);
    expect(two.kinds('g')).toEqual(['progress']);
    expect(two.kinds('f')).toEqual(['end']);
    expect(one.kinds('b')).toEqual([]);
  });

  it('tells a tab that opens later what the others know', async () => {
    const [one, two] = [new Tab(browser, server), new Tab(browser, server)];
    one.follow('a');
    await pass();
    server.say('status', 'a', { processing: 1, jobs: [{ job: 'j' }] });
    server.say('progress', 'a', { job: 'j', step: 4, steps: 9 });
    await pass();
    two.follow('a');
    await pass();
    expect(two.kinds('a')).toEqual(['status', 'progress']);
    expect(server.followed).toEqual(['a']);
    server.say('end', 'a');
    await pass();
    expect([one.kinds('a').at(-1), two.kinds('a').at(-1)]).toEqual(['end', 'end']);
  });

  it('goes on in another tab when the one that leads is closed', async () => {
    const tabs = [new Tab(browser, server), new Tab(browser, server), new Tab(browser, server)];
    tabs.forEach((tab, i) => tab.follow(`r${i}`));
    await pass();
    expect(server.followed).toEqual(['r0,r1,r2']);
    tabs[0]!.close();
    await pass();
    expect(server.followed).toEqual(['r1,r2']);
    server.say('status', 'r2');
    await pass();
    expect(tabs[2]!.kinds('r2')).toEqual(['status']);
    tabs[2]!.close();
    await pass();
    expect(server.followed).toEqual(['r1,r2']); // one too many does no harm
    server.say('end', 'r1');
    await pass();
    expect(tabs[1]!.kinds('r1')).toEqual(['end']);
  });

  it('does without a leader that gives no sign, until it gives one', async () => {
    const [one, two] = [new Tab(browser, server), new Tab(browser, server)];
    one.follow('a');
    two.follow('b');
    await pass();
    one.frozen = true;
    await pass(20_000);
    expect(server.followed).toHaveLength(1);
    for (let i = 0; i < 5; i++) {
      server.say('status', 'a', { i }); // what it hears, nobody else does
      server.say('status', 'b', { i });
      await pass(5000);
    }
    expect(server.followed).toEqual(['a,b', 'b']);
    server.say('progress', 'b', { job: 'j', step: 1, steps: 2 });
    await pass();
    expect(two.kinds('b').at(-1)).toBe('progress');
    one.frozen = false;
    server.say('status', 'a');
    await pass();
    expect(server.followed).toEqual(['a,b']);
  });

  it('says in all tabs that the server is away', async () => {
    const [one, two] = [new Tab(browser, server), new Tab(browser, server)];
    one.follow('a');
    two.follow('b');
    await pass();
    server.down = true;
    for (const signal of [...server.open.keys()]) signal.dispatchEvent(new Event('abort'));
    await pass(3000);
    expect([one.kinds('a').at(-1), two.kinds('b').at(-1)]).toEqual(['connection false', 'connection false']);
  });

  it('stops following what nobody wants', async () => {
    const tab = new Tab(browser, server);
    const stop = [tab.follow('a'), tab.follow('a')];
    await pass();
    stop[0]!();
    await pass();
    expect(server.followed).toEqual(['a']);
    stop[1]!();
    await pass();
    expect(server.followed).toEqual([]);
  });

  it('tells every card, though one of them throws', async () => {
    const complain = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const server = new Server();
    const feed = new Feed(server as unknown as HordeClient, {});
    const heard: string[] = [];
    feed.follow('a', () => {
      throw new TypeError('a fault of the page');
    });
    feed.follow('a', (event) => heard.push(event.kind));
    await vi.advanceTimersByTimeAsync(5);
    server.say('status', 'a', {});
    await vi.advanceTimersByTimeAsync(5);
    expect(heard).toContain('status');
    expect(complain).toHaveBeenCalled();
    complain.mockRestore();
  });

  it('watches alone where tabs cannot speak with each other', async () => {
    const feed = new Feed(server as unknown as HordeClient, {});
    const heard: RequestEvent[] = [];
    feed.follow('a', (event) => heard.push(event));
    feed.follow('b', () => {});
    await pass();
    expect(server.followed).toEqual(['a,b']);
    server.say('end', 'a');
    await pass();
    expect(heard.map(({ kind }) => kind).at(-1)).toBe('end');
  });
});

describe('a lease', () => {
  it('has one leader, and another one when that stops renewing it', async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    } as Storage;
    const said: string[] = [];
    for (const tab of ['one', 'two'])
      byLease(
        tab,
        () => said.push(`${tab} leads`),
        () => said.push(`${tab} stops`),
        storage,
      );
    await pass(60_000);
    expect(said).toEqual(['one leads']);
    // it came back, or both saw the lease free
    kept.set('horde.request-events', JSON.stringify({ tab: 'three', at: Date.now() }));
    await pass(3000);
    expect(said).toEqual(['one leads', 'one stops']);
    await pass(12_000);
    expect(said.length).toBe(3);
    kept.set('horde.request-events', 'nonsense');
    await pass(3000);
    expect(
      said.filter((word) => word.endsWith('leads')).length - said.filter((word) => word.endsWith('stops')).length,
    ).toBe(1);
  });

  it('without storage leads alone', () => {
    const lead = vi.fn();
    byLease('one', lead, () => {}, undefined);
    expect(lead).toHaveBeenCalledOnce();
  });
});
