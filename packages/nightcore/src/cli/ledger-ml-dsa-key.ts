import { explainEvidenceFault, makeMlDsaKey } from "#ledger";
import { explainKeyFileFault, sha256, writeMlDsaKeyPair } from "#store/keys";
import { EXIT, type Invocation } from "./invocation.ts";
import { logKeysOf } from "./ledger-vkey.ts";
import { openConfiguration, readNodePublicKey } from "./session.ts";
import { shownAs, unwrap } from "./unwrap.ts";

const SHOWN = ".nightcore/node-ml-dsa";

/** Makes the key that signs published checkpoints beside the node's Ed25519 key, and prints the log's verifier keys with it. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const { layout, configuration } = await openConfiguration(invocation);
  const publicKey = readNodePublicKey(layout);
  const made = unwrap(shownAs(`${SHOWN}.key`, writeMlDsaKeyPair(layout.nodeMlDsaKey.replace(/\.key$/, ""))), explainKeyFileFault);
  unwrap(makeMlDsaKey(sha256, configuration.origin, made.publicKey), explainEvidenceFault);
  const vkeys = logKeysOf({ layout, configuration: { ...configuration, mlDsa44: true }, publicKey });
  const [logKey, mlDsaKey] = vkeys.split("\n");
  terminal.print(json ? JSON.stringify({ logKey, mlDsaKey }) : vkeys);
  terminal.say(`${SHOWN}.key ${terminal.paint("dim", "(private, 0600)")}  ${SHOWN}.pub`);
  if (!configuration.mlDsa44) terminal.say("next: `ml_dsa_44 = true` under `[log]` in nightcore.toml, and give others both keys");
  return EXIT.ok;
}
