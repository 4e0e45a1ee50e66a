import { join } from "node:path";
import { openModuleFolder } from "#store/modules";
import { layOut, listFolders } from "#store/workspace";
import { hashPublicKeyFile } from "#trust";
import { EXIT, type Invocation } from "./invocation.ts";
import { MODULE_BYTES_MAX } from "./request.ts";
import { crypto } from "./session.ts";

/** One line of JSON for each tenant's `pubkey.b64`, as v39 printed them: the hash of the 32 decoded bytes. */
export async function run({ root, terminal, json }: Invocation): Promise<number> {
  const hashes: { name: string; pubkey_hash: string }[] = [];
  for (const name of listFolders(layOut(root).modules)) {
    const source = openModuleFolder(root, join("modules", name), MODULE_BYTES_MAX);
    const hint = source.ok ? source.value.read().publicKeyHint : undefined;
    const hash = hint === undefined ? undefined : hashPublicKeyFile(hint, crypto);
    if (hash === undefined) terminal.say(`${JSON.stringify(name)} has no readable pubkey.b64`);
    else hashes.push({ name, pubkey_hash: `SHA256:${hash}` });
  }
  if (json) terminal.print(JSON.stringify(hashes));
  else
    for (const { name, pubkey_hash: hash } of hashes)
      terminal.print(`{ "name": ${JSON.stringify(name)}, "pubkey_hash": "${hash}" }`);
  return EXIT.ok;
}
