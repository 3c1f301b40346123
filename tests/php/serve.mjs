// Serves the PHP files of a folder on 127.0.0.1 with a PHP of a given version, one request after the other.
//
//   node --experimental-wasm-jspi serve.mjs VERSION PORT FOLDER [SETTING=VALUE ...]
//
// Owns: what a web server tells PHP about a request, and PHP's answer on its way back.
// Path: tests/php/wasm.py starts it. Its standard error is PHP's error log.
// Promise: $_SERVER, php://input, status and headers are what PHP's own web server makes of the same request.
// Never: listens on another address than 127.0.0.1.

import { realpathSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { inside, start } from "./versions.mjs";

const [version, port, folder, ...settings] = process.argv.slice(2);
const php = await start(version, Object.fromEntries(settings.map((setting) => setting.split(/=(.*)/s, 2))));
const mounted = new Set();
let earlier = Promise.resolve();

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  earlier = earlier.then(() => serve(request, Buffer.concat(parts), response)).catch(giveUp);
});
server.listen(Number(port), "127.0.0.1");

async function serve(request, body, response) {
  const path = request.url.split("?")[0];
  let script;
  try {
    script = realpathSync(join(folder, decodeURIComponent(path))); // shops are links, and PHP names files by their real path
  } catch {
    response.writeHead(404).end();
    return;
  }
  if (!mounted.has(dirname(script))) {
    mounted.add(dirname(script));
    await php.mount(dirname(script));
  }
  const answer = await php.run(script, {
    relativeUri: request.url,
    method: request.method,
    headers: request.headers,
    body,
    server: {
      DOCUMENT_ROOT: folder,
      PHP_SELF: path,
      REMOTE_ADDR: request.socket.remoteAddress,
      REMOTE_PORT: String(request.socket.remotePort),
      SCRIPT_FILENAME: inside(script),
      SCRIPT_NAME: path,
      SERVER_NAME: "127.0.0.1",
      SERVER_PORT: port,
      SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    },
  });
  process.stderr.write(answer.errors);
  response.writeHead(answer.httpStatusCode, answer.headers).end(Buffer.from(answer.bytes));
}

/** A PHP that broke has no state worth keeping: better no server than one that answers at random. */
function giveUp(problem) {
  console.error(problem);
  process.exit(1);
}
