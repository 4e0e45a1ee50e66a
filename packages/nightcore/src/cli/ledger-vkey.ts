import { encodeMlDsaVkey, explainEvidenceFault, makeMlDsaKey } from "#ledger";
import { sha256 } from "#store/keys";
import { EXIT, type Invocation } from "./invocation.ts";
import { readNodeMlDsaPublicKey } from "./node-keys.ts";
import { logKeyOf, openConfiguration, readNodePublicKey, type View } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** Prints the log's verifier keys (C2SP signed-note): what others need, and all they need, to check receipts and the log. */
export async function run({ root, terminal, json }: Invocation): Promise<number> {
  const vkeys = await readOwnLogKeys(root);
  const [logKey, mlDsaKey] = vkeys.split("\n");
  terminal.print(json ? JSON.stringify({ logKey, mlDsaKey }) : vkeys);
  return EXIT.ok;
}

/** The verifier keys that belong to a workspace's own keys and origin, one in a line. */
export async function readOwnLogKeys(root: string): Promise<string> {
  const { layout, configuration } = await openConfiguration({ root });
  return logKeysOf({ layout, configuration, publicKey: readNodePublicKey(layout) });
}

/** All verifier keys of the workspace's log, one in a line: the ML-DSA-44 key too, if its checkpoints are signed with it. */
export function logKeysOf(view: Pick<View, "configuration" | "publicKey" | "layout">): string {
  const publicKey = readNodeMlDsaPublicKey(view);
  if (publicKey === undefined) return logKeyOf(view);
  const key = unwrap(makeMlDsaKey(sha256, view.configuration.origin, publicKey), explainEvidenceFault);
  return `${logKeyOf(view)}\n${encodeMlDsaVkey(key)}`;
}
