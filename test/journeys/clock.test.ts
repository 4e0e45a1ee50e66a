import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { readPrivateKey } from "../../packages/nightcore/src/store/keys/index.ts";
import { openLedgerWriter } from "../../packages/nightcore/src/store/tiles/index.ts";
import { Workspace } from "./workspace.ts";

const HOUR_MS = 3_600_000;

/** An entry as the workspace's own software writes it, on a machine whose clock is ahead. */
async function recordAt(workspace: Workspace, at: string): Promise<void> {
  const own = join(workspace.root, ".nightcore");
  const key = readPrivateKey(join(own, "node.key"), () => undefined);
  assert.ok(key.ok);
  const opened = await openLedgerWriter({
    folder: join(own, "ledger"),
    origin: "test.example/log",
    key: key.value,
    thread: false,
  });
  assert.ok(opened.ok);
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "retention", digest: { sha256: createHash("sha256").update("retention").digest("hex") } }],
    predicateType: "urn:nightcore:deletion:v1",
    predicate: { at, policy: { inputsDays: 1, outputsDays: 1 }, blobs: [] },
  };
  assert.ok((await opened.value.append([Buffer.from(JSON.stringify(statement))])).ok);
  assert.ok((await opened.value.close()).ok);
}

test("a clock that is behind the log is recorded and not obeyed, for runs, trust and everything else", async (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const ahead = new Date(Date.now() + HOUR_MS).toISOString();
  await recordAt(workspace, ahead);
  const { run } = workspace.runOf("hello");
  workspace.expect(0, "run", "--all");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "bob");
  workspace.expect(0, "trust", "add", "keys/maintainers/bob.pub", "--tenant", "hello");
  type Found = { readonly kind: string; readonly at: string; readonly clock?: string; readonly behindMs?: number };
  const find = (...args: readonly string[]) =>
    workspace.json<{ readonly entries: readonly Found[] }>("ledger", "find", ...args).entries;
  const told = find("--kind", "clock");
  assert.equal(told.length, 3, "each command says it once");
  for (const { at, clock = "", behindMs = 0 } of told) {
    assert.equal(at, ahead);
    assert.equal(Date.parse(ahead) - Date.parse(clock), behindMs);
    assert.ok(behindMs > 0 && behindMs <= HOUR_MS);
  }
  const times = find("--limit", "1000").map(({ at }) => at);
  assert.deepEqual(times, times.toSorted());
  for (const { at } of find("--run", run)) assert.equal(at, ahead);
  assert.match(workspace.nightcore("ledger", "find", "--kind", "clock").stdout, /ms behind the log/);
  workspace.expect(0, "ledger", "fsck");
});
