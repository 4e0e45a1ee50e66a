/**
 * Keeps inputs and outputs by their SHA-256, beside the log that names them, and apart from them, in the vault, what is in quarantine.
 *
 * It decides nothing. It must never hand out bytes that do not have the digest they are asked for by. What it keeps is
 * not flushed: after a power cut a blob may be gone, and its digest in the log still says what it was.
 */
export { openBlobs } from "./blob-folder.ts";
export { openVault } from "./vault.ts";
export type { Vault } from "./vault.ts";
