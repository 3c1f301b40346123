// Checks the syntax of PHP files with a PHP of a given version, as `php -l` does; ends with 1 if one does not pass.
//
//   node --experimental-wasm-jspi lint.mjs VERSION FILE ...
//
// Path: tests/php/test_php_syntax.py.
// Promise: every file is seen by a PHP that has seen no other.
// Never: runs a file.

import { dirname, resolve } from "node:path";
import { start } from "./versions.mjs";

const [version, ...files] = process.argv.slice(2);
let status = 0;
for (const file of files.map((name) => resolve(name))) {
  const php = await start(version);
  await php.mount(dirname(file));
  if ((await php.lint(file)) !== 0) status = 1;
}
process.exit(status);
