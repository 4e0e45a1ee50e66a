import { readConfiguration, explainConfigurationFault, layOut } from "#store/workspace";
import { EXIT, type Invocation } from "./invocation.ts";
import { logKeyOf, readNodePublicKey } from "./session.ts";
import { shownAs, unwrap } from "./unwrap.ts";

/** Prints the log's verifier key (C2SP signed-note): what others need, and all they need, to check receipts and the log. */
export async function run({ root, terminal, json }: Invocation): Promise<number> {
  const vkey = await readOwnLogKey(root);
  terminal.print(json ? JSON.stringify({ logKey: vkey }) : vkey);
  return EXIT.ok;
}

/** The verifier key that belongs to a workspace's own node key and origin. */
export async function readOwnLogKey(root: string): Promise<string> {
  const layout = layOut(root);
  const configuration = unwrap(shownAs("nightcore.toml", await readConfiguration(layout.config)), explainConfigurationFault);
  return logKeyOf({ configuration, publicKey: readNodePublicKey(layout) });
}
