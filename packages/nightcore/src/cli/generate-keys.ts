import { join, relative } from "node:path";
import { type KeyId, keyIdOf, parseTenantName } from "#core";
import { explainKeyFileFault, sha256, writeKeyPair } from "#store/keys";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readPassphrase } from "./passphrase.ts";
import { shownAs, unwrap } from "./unwrap.ts";

/** Makes key pairs under `<out-dir>/maintainers`, as v39 laid them out. Stops at the first that exists, with what it made. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const folder = invocation.text("out-dir");
  if (folder === undefined) throw usageStop("`--out-dir DIR` is missing", "for example `nightcore generate-keys --out-dir keys`");
  const asked = invocation.texts("name");
  const names = asked.length > 0 ? asked : ["admin1", "admin2"];
  for (const name of names) if (!parseTenantName(name).ok) throw usageStop(`\`${name}\` cannot name a key`);
  const passphrase = readPassphrase(invocation);
  if (invocation.flag("encrypt") && (passphrase === undefined || passphrase === "")) {
    throw usageStop("`--encrypt` needs a passphrase", "give it in NIGHTCORE_PASSPHRASE, or in a file with `--passphrase-file`");
  }
  const made: { name: string; keyId: KeyId; key: string; pub: string }[] = [];
  for (const name of names) {
    const path = join(invocation.root, folder, "maintainers", name);
    const shown = relative(invocation.root, path);
    const pair = unwrap(
      shownAs(`${shown}.key`, writeKeyPair(path, invocation.flag("encrypt") ? passphrase : undefined)),
      explainKeyFileFault,
    );
    made.push({ name, keyId: keyIdOf(sha256, pair.publicKey), key: `${shown}.key`, pub: `${shown}.pub` });
    terminal.say(`${shown}.key ${terminal.paint("dim", "(private, 0600)")}  ${shown}.pub`);
  }
  if (json) terminal.print(JSON.stringify({ keys: made }));
  terminal.say("next: `nightcore sign --dir modules/TENANT --key …`, and `nightcore trust add ….pub --tenant TENANT`");
  return EXIT.ok;
}
