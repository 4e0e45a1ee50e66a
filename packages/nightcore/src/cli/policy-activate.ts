import { EXIT, type Invocation } from "./invocation.ts";
import { readWhy } from "./actor.ts";
import { activateVersion, proposeVersion } from "./policy-change.ts";
import { bundleFiles, readPolicyFiles, unwrapBundle } from "./policy-store.ts";
import { describeVersion, findVersion } from "./policy-words.ts";
import { openSession } from "./session.ts";

/** Puts a version in force. Without a number the files of `policies/` are proposed first, and stay proposed if that is as far as it gets. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const comment = readWhy(invocation, "comment");
  const session = await openSession(invocation, { thread: false });
  try {
    const version =
      positionals[0] === undefined
        ? await proposeVersion(session, invocation, {
            bundle: unwrapBundle(invocation, bundleFiles(readPolicyFiles(session.layout.policies))),
            comment,
          })
        : findVersion(session.rows, positionals[0]);
    const active = await activateVersion(session, invocation, { version, comment });
    if (json) terminal.print(JSON.stringify(active));
    const by = active.approvers.length === 0 ? "without an approval" : `approved by ${active.approvers.join(", ")}`;
    terminal.say(`${describeVersion(active)} is in force, ${by}; recorded in the log`);
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}
