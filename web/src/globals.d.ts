/** Version of the page, from package.json at build time. */
declare const __VERSION__: string;
