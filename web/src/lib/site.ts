// What the server says of itself in index.html (web/embed.go), known before the
// first call.

function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

/** The horde's name, as its operator chose it. */
export const TITLE = meta('application-name') || 'Horde';
/** The version of the server that served this page; '' if it does not say. */
export const VERSION = meta('horde-version');
/** Where its source code is; '' if it does not say. */
export const SOURCE = meta('horde-source');
