import { escapeControls } from "#core";
import { personOf, shortKey } from "#trust";
import { EXIT, type Invocation } from "./invocation.ts";
import { openView, viewTrustStore } from "./session.ts";

/** Shows the trust store that the log recorded last. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const view = await openView(invocation);
  const store = viewTrustStore(view);
  view.close();
  const keys = store.keys
    .map((key) => ({ ...key, person: personOf(key) }))
    .map(({ keyId, name, person, publicKey }) => ({
      keyId,
      name,
      person,
      publicKey: Buffer.from(publicKey).toString("base64"),
      grants: store
        .grantsOf(keyId)
        .map(({ role, tenants, from, to, addedAt }) => ({ role, tenants, from: from ?? null, to: to ?? null, addedAt })),
      revoked: store.revocationOf(keyId) ?? null,
    }));
  if (json) {
    terminal.print(JSON.stringify({ keys }));
    return EXIT.ok;
  }
  if (keys.length === 0) terminal.say("no key is trusted; `nightcore trust add KEY.pub --tenant TENANT` adds one");
  for (const { keyId, name, person, grants, revoked } of keys) {
    const state =
      revoked === null ? "" : terminal.paint("red", `  revoked ${revoked.revokedAt}: ${escapeControls(revoked.reason)}`);
    terminal.print(
      `${shortKey(keyId)}  ${escapeControls(name)}${person === name ? "" : `, held by ${escapeControls(person)}`}${state}`,
    );
    for (const { role, tenants, from, to } of grants) {
      const span = `${from === null ? "" : ` from ${from}`}${to === null ? "" : ` to ${to}`}`;
      terminal.print(`  ${role} for ${tenants.map((tenant) => escapeControls(tenant)).join(", ")}${span}`);
    }
  }
  return EXIT.ok;
}
