// Writes src/gen from the server's own API documents, which are validated on the way:
//
//   contract.ts    types of /api/v2, from /api/ext/contract.json
//   extensions.ts  types of /api/ext/v1, from /api/ext/openapi.json
//   limits.ts      limits and enums of the parameters of image and text requests
//
// `npm run build`, `check`, `test` and `dev` run it first, so src/gen is not committed.
// With --check the documents are validated and nothing is written.

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import openapiTS, { astToString } from 'openapi-typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const gen = new URL('../src/gen/', import.meta.url);
const MAX_DOCUMENT = 1 << 26; // bytes

/**
 * A document as the server sends it. Go prints it, so no server has to run; built as `make build` does, to share
 * its cache.
 */
async function describe(name) {
  const { stdout } = await promisify(execFile)('go', ['run', '-trimpath', './internal/apidoc', name], {
    cwd: root,
    maxBuffer: MAX_DOCUMENT,
  });
  return JSON.parse(stdout);
}

/** Throws unless the document is valid and of the OpenAPI version that it should have. */
async function validate(name, document, version) {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));

  if (!valid) throw new Error(`${name} is not valid: ${JSON.stringify(errors, null, 1)}`);
  if (validator.version !== version) throw new Error(`${name} is version ${validator.version}, not ${version}`);
}

/** The facets of a schema's properties that a form needs, those of its bases included. */
function limitsOf(document, name) {
  const { allOf = [], properties = {} } = typeof name === 'string' ? document.components.schemas[name] : name;
  const inherited = allOf.map((part) => limitsOf(document, part.$ref?.split('/').at(-1) ?? part));

  const own = {};
  for (const [key, { minimum, maximum, multipleOf, enum: values }] of Object.entries(properties)) {
    if (minimum !== undefined || values) own[key] = { minimum, maximum, multipleOf, values };
  }
  return Object.assign({}, ...inherited, own);
}

function write(file, source, text) {
  mkdirSync(gen, { recursive: true });
  writeFileSync(
    new URL(file, gen),
    `// Made by \`npm run types\` from the server's ${source}; do not edit.\n\n${text}`,
  );
}

const [swagger, contract, extensions] = await Promise.all(
  ['swagger.json', 'contract.json', 'openapi.json'].map(describe),
);
await validate('swagger.json', swagger, '2.0');
await validate('contract.json', contract, '3.1');
await validate('openapi.json', extensions, '3.1');

if (!process.argv.includes('--check')) {
  // A member with a default may be left out of a body; in answers `required` decides.
  const options = { silent: true, defaultNonNullable: false };
  const types = async (document) => astToString(await openapiTS(document, options));
  const limits = (name) => JSON.stringify(limitsOf(contract, name), null, 2);
  write('contract.ts', 'contract.json', await types(contract));
  write('extensions.ts', 'openapi.json', await types(extensions));
  write(
    'limits.ts',
    'contract.json',
    `export const imageParams = ${limits('ModelGenerationInputStable')} as const;\n\n` +
      `export const textParams = ${limits('ModelGenerationInputKobold')} as const;\n`,
  );
}
