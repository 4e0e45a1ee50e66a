/**
 * Reads module folders as Night Core has always laid them out: `module.wasm`, `module.sig`, `pubkey.b64`,
 * `module.sha256`, `manifest.json`, our `module.dsse.json`, and `sandbox/`. Takes a blocked module out of its folder, and puts a
 * released one back.
 *
 * It decides nothing about what it reads: what is blocked it is told. It must never follow a link out of the workspace, wait for a pipe, or read a
 * file twice.
 */
export { readFileBounded } from "./bounded-file.ts";
export { isolateModule, restoreModule } from "./isolation.ts";
export type { IsolationNote, Isolator } from "./isolation.ts";
export { openModuleFolder } from "./module-folder.ts";
