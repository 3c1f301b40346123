// Starts a PHP of a given version, in WebAssembly, behind one interface.
//
// Owns: which npm package carries which version, and how its files and its answers are got at.
// Path: serve.mjs and lint.mjs.
// Promise: PHP sees the named folders under the same names below HOST, and reaches TCP servers that this machine reaches.
// Never: keeps anything of one request for the next.

import { createRequire } from "node:module";

const HOST = "/host"; // clear of the folders that a PHP has of its own: /tmp, /home, /dev, /internal

/** `settings` are those of php.ini. */
export async function start(version, settings = {}) {
  const [major, minor] = version.split(".").map(Number);
  return major < 7 || (major === 7 && minor < 4) ? startOld(version, settings) : startCurrent(version, settings);
}

/** Where PHP finds a file of this machine whose folder was mounted. */
export const inside = (file) => HOST + file;

/** 7.4 and later: the current packages. */
async function startCurrent(version, settings) {
  const { createNodeFsMountHandler, loadNodeRuntime, withNetworking } = await import("@php-wasm/node");
  const { PHP, PHPResponse, setPhpIniEntries } = await import("@php-wasm/universal");
  const emscriptenOptions = await withNetworking({ processId: process.pid });
  const php = new PHP(await loadNodeRuntime(version, { emscriptenOptions }));
  await setPhpIniEntries(php, settings);
  return {
    async mount(folder) {
      php.mkdir(inside(folder));
      await php.mount(inside(folder), createNodeFsMountHandler(folder));
    },
    async run(script, { body, server, ...request }) {
      return PHPResponse.fromStreamedResponse(
        await php.runStream({ ...request, body, $_SERVER: server, scriptPath: inside(script) }),
      );
    },
    async lint(file) {
      const answer = await php.cli(["php", "-l", inside(file)]);
      process.stdout.write(await answer.stdoutText);
      return answer.exitCode;
    },
  };
}

let NodePHP; // got once: a PHP that starts overwrites what its package exports

/** Before 7.4: the last package that had a 5.6, with its own interface. */
async function startOld(version, settings) {
  NodePHP ??= createRequire(import.meta.url)("php-wasm-before-7-4").NodePHP;
  const php = await NodePHP.load(version);
  for (const [name, value] of Object.entries(settings)) {
    php.setPhpIniEntry(name, value);
  }
  return {
    async mount(folder) {
      php.mount(folder, inside(folder));
    },
    async run(script, { body, server, ...request }) {
      for (const [name, value] of Object.entries(server)) {
        php.addServerGlobalEntry(name, value);
      }
      return php.run({ ...request, body: body.toString(), scriptPath: inside(script) });
    },
    async lint(file) {
      try {
        return await php.cli(["php", "-l", inside(file)]);
      } catch (ended) {
        if (ended.name !== "ExitStatus") throw ended;
        return ended.status;
      }
    },
  };
}
