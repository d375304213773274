// Makes src/gen/contract.ts and src/gen/beyond.ts, the types of what the server
// sends and takes, from its own descriptions, which are checked on the way. With
// --check nothing is written: it fails when they are not what the server says.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import openapiTS, { astToString } from 'openapi-typescript';

const check = process.argv.includes('--check');
const root = fileURLToPath(new URL('../..', import.meta.url));
const describe = (name) => JSON.parse(execFileSync('go', ['run', './internal/apidoc', name], { cwd: root, maxBuffer: 1 << 26 }));

let failed = false;
const complain = (text) => {
  console.error(text);
  failed = true;
};

async function valid(name, version) {
  const document = describe(name);
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  if (!result.valid) complain(`${name} is not valid: ${JSON.stringify(result.errors, null, 1)}`);
  if (validator.version !== version) complain(`${name} is version ${validator.version}, not ${version}`);
  return document;
}

await valid('swagger.json', '2.0');
for (const [file, name] of [
  ['contract', 'contract.json'],
  ['beyond', 'openapi.json'],
]) {
  const types = await openapiTS(await valid(name, '3.1'), { silent: true });
  const text = `// Made by \`npm run types\` from the server's ${name}; do not edit.\n\n${astToString(types)}`;
  const target = fileURLToPath(new URL(`../src/gen/${file}.ts`, import.meta.url));
  if (!check) {
    mkdirSync(new URL('../src/gen/', import.meta.url), { recursive: true });
    writeFileSync(target, text);
    continue;
  }
  let there = '';
  try {
    there = readFileSync(target, 'utf8');
  } catch {
    // As good as an old one.
  }
  if (there !== text) complain(`web/src/gen/${file}.ts is not what the server says: run npm run types in web/`);
}
process.exit(failed ? 1 : 0);
