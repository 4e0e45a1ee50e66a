import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { encodeHex, quote } from "#core";
import { explainEvidenceFault, parseVkey, verifyCheckpoint } from "#ledger";
import type { Predecessor } from "#state";
import { type Invocation, usageStop } from "./invocation.ts";
import { readPublishedCheckpoint } from "./published.ts";
import { crypto, logKeyOf, openConfiguration, readNodePublicKey } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** The log of `--continues`, a workspace that cannot be gone on with: its key, and its last checkpoint there, verified. */
export async function readPredecessor(invocation: Invocation, origin: string): Promise<Predecessor | undefined> {
  const shown = invocation.text("continues");
  if (shown === undefined) return undefined;
  const root = resolve(invocation.root, shown);
  if (!existsSync(join(root, "nightcore.toml"))) throw usageStop(`there is no workspace in ${quote(shown)}`);
  const { layout, configuration } = await openConfiguration({ root });
  const logKey = logKeyOf({ configuration, publicKey: readNodePublicKey(layout) });
  const checkpoint = readPublishedCheckpoint(layout);
  const key = unwrap(parseVkey(crypto.sha256, logKey), explainEvidenceFault);
  const head = unwrap(verifyCheckpoint(checkpoint, key, crypto.verifyEd25519), explainEvidenceFault);
  if (key.name === origin)
    throw usageStop(
      `${quote(origin)} is the name of the old log`,
      "a second log of one name would be a fork; give it another --origin",
    );
  return { origin: key.name, logKey, size: head.size, root: encodeHex(head.root), checkpoint };
}
