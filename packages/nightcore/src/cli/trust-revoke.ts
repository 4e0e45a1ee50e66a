import { encodeTime, quote } from "#core";
import { shortKey } from "#trust";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { changeTrust, openSession } from "./session.ts";

/** Revokes a key by its identifier or the beginning of it. Final: there is no way back but a new key. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [id] = positionals;
  const reason = invocation.text("reason");
  if (id === undefined) throw usageStop("a key identifier is needed", "`nightcore trust list` shows them");
  if (reason === undefined || reason.trim() === "")
    throw usageStop("`--reason TEXT` is missing", "a revocation says why, for whoever reads the log");
  const session = await openSession(invocation, { thread: false });
  try {
    const found = session.store.findKeys(id);
    const [key] = found;
    if (key === undefined)
      throw usageStop(`no key here begins with ${quote(id)}`, "give at least 8 digits; `nightcore trust list` shows them");
    if (found.length > 1) throw usageStop(`${found.length} keys begin with ${quote(id)}`, "give more digits");
    const revocation = { keyId: key.keyId, revokedAt: encodeTime(Date.now()), reason };
    if (session.store.revocationOf(key.keyId) === undefined) {
      await changeTrust(session, session.store.withRevocation(revocation), { change: "key-revoked", record: revocation });
    }
    const standing = session.store.revocationOf(key.keyId) ?? revocation;
    if (json) terminal.print(JSON.stringify(standing));
    terminal.say(`${shortKey(key.keyId)} is revoked since ${standing.revokedAt}; recorded in the log`);
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}
