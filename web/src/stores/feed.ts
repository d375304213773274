// The feed of events that the requests of this page share with those of other tabs.

import { Feed } from '../lib/events/feed';
import { tabEnvironment } from '../lib/events/leader';
import { client } from './account.svelte';

export const feed = new Feed(client, tabEnvironment());

globalThis.addEventListener?.('pagehide', () => feed.leave());
globalThis.addEventListener?.('pageshow', (event) => {
  if ((event as PageTransitionEvent).persisted) feed.back();
});
