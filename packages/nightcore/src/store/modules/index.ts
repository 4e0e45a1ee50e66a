/**
 * Reads module folders as Night Core has always laid them out: `module.wasm`, `module.sig`, `pubkey.b64`,
 * `module.sha256`, `manifest.json`, our `module.dsse.json`, and `sandbox/`.
 *
 * It decides nothing about what it reads. It must never follow a link out of the workspace, wait for a pipe, or read a
 * file twice.
 */
export { openModuleFolder } from "./module-folder.ts";
