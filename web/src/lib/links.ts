// Links of the horde as this page can use them.

/** Where the page was loaded from. */
type Page = Pick<Location, 'protocol' | 'host'>;

/** A link that the server signed itself, to its folder of images: not one of an S3 store. */
function isSignedByServer(link: URL): boolean {
  return link.pathname.startsWith('/blob/') && link.searchParams.has('e') && link.searchParams.has('s');
}

/**
 * The link as this page can load it. A link of the server's own becomes relative where it begins with what the page
 * cannot load: the right host by the wrong scheme, or plain http on a page that came by https, as behind a proxy that
 * the server does not trust. A signature of the server holds by whatever way it is reached.
 */
export function loadable(link: string, page: Page | undefined = globalThis.location): string {
  if (!page || !/^https?:\/\//.test(link)) return link;
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return link;
  }

  const blocked = page.protocol === 'https:' && url.protocol === 'http:';
  return isSignedByServer(url) && (url.host === page.host || blocked) ? url.pathname + url.search : link;
}
