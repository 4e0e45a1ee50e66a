import type { OptionSpec } from "./catalog.ts";

/** Where the passphrase of a private key stands: an option of every command that signs with a person's key. */
export const PASSPHRASE_OPTION: OptionSpec = {
  name: "passphrase-file",
  value: "FILE",
  summary: "where the key's passphrase stands (or NIGHTCORE_PASSPHRASE)",
};
