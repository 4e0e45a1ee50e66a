import { encodeTime } from "#core";
import { ONE_APPROVER, type Requirement } from "#guardian";
import { explainLedgerFault } from "#ports";
import type { Event, ReleaseEvent } from "#state";
import { encodeRelease, judgeRelease, type ReleasePowers } from "#worker";
import { readWhy } from "./actor.ts";
import { findBlocksNamed } from "./block-finding.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { authorityOf } from "./judging.ts";
import { openPolicies } from "./policy-store.ts";
import { crypto, openSession, type Session } from "./session.ts";
import { readSigningKey, signStatement } from "./signing-key.ts";
import { unwrap } from "./unwrap.ts";
import { settleVault } from "./vaulting.ts";

const BLOCKS_MAX = 300; // LIMIT: in one statement, which is one entry

/** Signs and records one person's consent to the end of blocks. With enough of them the blocks end, and the bytes come back. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  if (positionals.length === 0) throw usageStop("a BLOCK is needed", "`nightcore quarantine list` shows them");
  const comment = readWhy(invocation, "comment").trim();
  const key = readSigningKey(invocation);
  if (key === undefined) throw usageStop("`--key FILE` is missing", "a release is signed by an approver's own key");
  const { keyId } = key;
  const session = await openSession(invocation, { thread: false });
  try {
    const { require, refuse } = readAuthority(session);
    const releases = groupBlocks(session, positionals).map(({ entry, blocks }) => {
      const statement = { log: session.configuration.origin, blocks, keyId, at: encodeTime(Date.now()), comment };
      const envelope = signStatement(encodeRelease(statement, crypto), key);
      return judgeRelease({ statement, envelope, entry }, { ...session, crypto, require, refuse });
    });
    const about = { name: "release", digest: null };
    unwrap(await session.recorder.record(releases.map((event) => ({ about, event }))), explainLedgerFault);
    const { restored } = settleVault(session);
    if (json) terminal.print(JSON.stringify({ releases, restored }));
    for (const release of releases) terminal.say(describe(release, require));
    if (restored.length > 0) terminal.say(`${restored.length} digests are out of the vault again`);
    return releases.every(({ state }) => state !== "refused") ? EXIT.ok : EXIT.denied;
  } finally {
    await session.finish();
  }
}

/** The blocks that the ids name and that are in force, by the entry that put them. */
function groupBlocks({ rows }: Session, ids: readonly string[]) {
  const named = ids.flatMap((id) => findBlocksNamed(rows, id)).filter((row) => row["released_at"] === null);
  if (named.length === 0) {
    const hint = "`nightcore quarantine show BLOCK` says by whom";
    throw new CommandStop({ code: "state/block-released", message: "all of it was released before", hint, exit: EXIT.usage });
  }
  if (named.length > BLOCKS_MAX) throw usageStop(`at most ${BLOCKS_MAX} blocks are released at once`, "name a few of them");
  const byEntry = Map.groupBy(named, (row) => Number(row["log_index"]));
  return [...byEntry].map(([entry, found]) => ({ entry, blocks: [...new Set(found.map((row) => String(row["id"])))] }));
}

/** Which persons the policies in force want, and whom they let do it. Without policies that can be read, nothing is released. */
function readAuthority({ layout, rows }: Session): Pick<ReleasePowers, "require" | "refuse"> {
  const policies = openPolicies(layout, rows);
  const fact = policies.shelf.policyOf("_default");
  if (fact.state !== "read") throw new CommandStop({ ...fact.finding, exit: EXIT.denied });
  const ask = authorityOf(policies);
  return {
    require: fact.policy.releaseApprovals ?? ONE_APPROVER,
    refuse: (question) => ask({ ...question, deed: "release" }),
  };
}

function describe({ blocks, state, finding }: Event & ReleaseEvent, require: readonly Requirement[]): string {
  const what = blocks.length === 1 ? `block ${blocks[0]}` : `${blocks.length} blocks`;
  if (finding !== null) return `not released, ${what}: ${finding.message} [${finding.code}]; recorded in the log`;
  if (state === "released") return `${what} released; recorded in the log`;
  const needed = require.map(({ role, count }) => `${count} as ${role}`).join(" and ");
  return `${what}: consent recorded, and not enough yet: ${needed} are needed`;
}
