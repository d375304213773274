// Pages by the address' hash, so that the server needs to know "/" alone.
// A new page is one entry here and one line in App.svelte.

export const ROUTES = [
  { path: '/', name: 'Create' },
  { path: '/text', name: 'Text' },
  { path: '/status', name: 'Status' },
] as const;

class Router {
  path = $state(current());

  constructor() {
    addEventListener('hashchange', () => {
      this.path = current();
      scrollTo(0, 0);
    });
  }
}

function current(): string {
  return location.hash.replace(/^#/, '').replace(/\/+$/, '') || '/';
}

export const router = new Router();
