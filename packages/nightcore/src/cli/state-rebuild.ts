import { explainLedgerFault } from "#ports";
import { Projection } from "#store/sqlite";
import { layOut } from "#store/workspace";
import { EXIT, type Invocation } from "./invocation.ts";
import { openConfiguration, openReader, openView, readNodePublicKey } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** Throws the projection away and folds it again from the log. Says the digest of the content before and after. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const before = await openView(invocation).then(
    (view) => {
      const digest = view.rows.digest();
      view.close();
      return digest;
    },
    () => undefined,
  );
  await checkReadable(invocation);
  Projection.remove(layOut(invocation.root).state);
  const view = await openView(invocation);
  const after = view.rows.digest();
  const entries = view.rows.applied;
  view.close();
  if (json) terminal.print(JSON.stringify({ entries, digest: after, before: before ?? null }));
  const compared =
    before === undefined
      ? "what was there could not be used"
      : before === after
        ? "the same content as before"
        : "NOT the content from before";
  terminal.say(`folded ${entries} entries: ${compared} (${after.slice(0, 16)})`);
  return before === undefined || before === after ? EXIT.ok : EXIT.verificationFailed;
}

/** Without every entry nothing could be folded: what is there stays. */
async function checkReadable(invocation: Invocation): Promise<void> {
  const files = await openConfiguration(invocation);
  const reader = openReader({ ...files, publicKey: readNodePublicKey(files.layout) });
  unwrap(reader.checkReadable(), explainLedgerFault);
  reader.close();
}
