// Which tab of this browser leads, and how the tabs speak with each other.

/** What the feed needs of the browser, so that tests can have several tabs in one. */
export interface TabEnvironment {
  /** A channel to the other tabs; undefined where there is none. */
  channel?: Pick<BroadcastChannel, 'postMessage' | 'close'> & { onmessage: ((event: MessageEvent) => void) | null };
  /** Calls lead when this tab is the leader, and stop when it no longer is. */
  elect?: (tab: string, lead: () => void, stop: () => void) => void;
}

/**
 * The name of the lock, the lease and the channel of a browser's tabs. It changes with the
 * messages, so that tabs which were opened before an update do not misunderstand them.
 */
const NAME = 'horde.request-events';

/** How long a lease lasts, and how often it is renewed, ms. */
const LEASE = 8000;
const RENEWAL = 2000;

/** The environment that this browser has. */
export function tabEnvironment(): TabEnvironment {
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

/**
 * Elects a leader where pages have no locks (plain http from another machine): the
 * leader renews a lease in the browser's storage. Two may lead for the moment that it
 * takes to see each other, which costs no more than a second stream.
 */
export function byLease(
  tab: string,
  lead: () => void,
  stop: () => void,
  storage: Storage | undefined = usableStorage(),
): void {
  if (!storage) return lead();

  let leads = false;
  const look = () => {
    const held = readLease(storage);
    const free = held.tab === tab || Date.now() - held.at > LEASE;
    if (free) storage.setItem(NAME, JSON.stringify({ tab, at: Date.now() }));
    if (free === leads) return;

    leads = free;
    if (leads) lead();
    else stop();
  };

  look();
  setInterval(look, RENEWAL);
  globalThis.addEventListener?.('pagehide', () => {
    if (leads) storage.removeItem(NAME);
  });
}

function readLease(storage: Storage): { tab: string; at: number } {
  try {
    const { tab, at } = JSON.parse(storage.getItem(NAME) ?? '') as { tab: unknown; at: unknown };
    return { tab: String(tab), at: Number(at) || 0 };
  } catch {
    return { tab: '', at: 0 };
  }
}

function usableStorage(): Storage | undefined {
  try {
    localStorage.setItem(NAME + '.try', '1');
    localStorage.removeItem(NAME + '.try');
    return localStorage;
  } catch {
    return undefined;
  }
}
