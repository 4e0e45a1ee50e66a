import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { toolEnvironment } from "../../tools/repository.ts";
import { packZip } from "../zip-writer.ts";
import { FOLDER, type History, InboxWorkspace, type Shown, TENANT } from "./inbox-workspace.ts";
import { assemble, GREETER, LAUNCHER } from "./workspace.ts";

const OTHER = GREETER.replace("hello", "jello");

test("an agent's file waits inert, a person approves it, and it runs until something about it changes", (context) => {
  const workspace = InboxWorkspace.start(context);
  assert.equal(workspace.submit().exit, 0);
  assert.deepEqual(readdirSync(join(workspace.root, "inbox", "agent", "pending")), []);
  assert.equal(readdirSync(join(workspace.root, "inbox", "agent", "processed")).length, 1);
  assert.deepEqual(workspace.codes(), ["trust/unsigned", "guardian/approval-missing"]);
  workspace.sign();
  assert.deepEqual(workspace.codes(), ["guardian/approval-missing"]);

  assert.equal(workspace.approve("bob").satisfied, true);
  assert.deepEqual(workspace.codes(), []);
  assert.equal(workspace.submit().exit, 0);
  assert.deepEqual(workspace.codes(), [], "an identical re-submission needs no new approval");

  // Somebody swaps the file, and even has it signed.
  const module = join(workspace.root, FOLDER, "module.wasm");
  const approved = readFileSync(module);
  writeFileSync(module, assemble(OTHER));
  workspace.sign();
  assert.deepEqual(workspace.codes(), ["guardian/approved-bytes-swapped"]);
  assert.deepEqual(workspace.incidents(), ["guardian/approved-bytes-swapped"]);
  writeFileSync(module, approved);
  workspace.sign();
  assert.deepEqual(workspace.codes(), [], "the bytes that were approved are back");
  assert.deepEqual(workspace.codes("--allow", "fs:read"), ["guardian/approval-capability-new", "guardian/approval-missing"]);

  // What comes through the inbox waits again, and is shown as the difference.
  workspace.submit(OTHER);
  workspace.sign();
  assert.deepEqual(workspace.codes(), ["guardian/approval-missing"]);
  const shown = workspace.json<Shown>("inbox", "show", TENANT);
  assert.equal(shown.state, "waiting");
  assert.deepEqual(shown.difference.sections, ["data"]);
  assert.deepEqual([shown.difference.functions.unchanged, shown.difference.functions.changed.length], [1, 0]);
  assert.equal(shown.baseline?.person, "bob");
  assert.deepEqual(
    shown.candidates.map(({ person }) => person),
    ["bob"],
  );
  assert.equal(workspace.approve("bob").satisfied, true);
  assert.deepEqual(workspace.codes(), []);
  const receipt = join(workspace.root, "receipt.json");
  writeFileSync(receipt, workspace.expect(0, "receipt", "show", workspace.runOf(TENANT).run).stdout);
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  assert.match(
    workspace.expect(0, "receipt", "verify", receipt, "--log-key", vkey).stdout,
    /ok +approval +source agent, approved by bob\n/,
  );
  workspace.expect(0, "state", "rebuild");
  assert.deepEqual(workspace.codes(), [], "the log alone says who approved");
  workspace.expect(0, "ledger", "verify");
});

test("an archive brings manifest and claims; a new capability needs a new approval, and shows in the difference", (context) => {
  const workspace = InboxWorkspace.start(context);
  const archive = (permissions: readonly string[]) =>
    packZip([
      { name: "greet/module.wasm", content: assemble(GREETER) },
      { name: "greet/manifest.json", content: JSON.stringify({ permissions }) },
      { name: "greet/submission.json", content: JSON.stringify({ submitter: "Bob", agent: "coder-2" }) },
    ]);
  assert.equal(workspace.submit(archive(["stdout"]), "greet.zip").exit, 0);
  workspace.sign();
  const own = workspace.approve("bob");
  assert.deepEqual([own.exit, own.counts, own.finding?.code], [3, false, "guardian/approval-by-submitter"]);
  workspace.addKey("carol", "approver");
  assert.equal(workspace.approve("carol").satisfied, true);
  assert.deepEqual(workspace.codes(), []);

  workspace.submit(archive(["stdout", "fs:read"]), "greet.zip");
  workspace.sign();
  assert.ok(workspace.codes().includes("guardian/approval-capability-new"));
  const shown = workspace.json<Shown>("inbox", "show", TENANT);
  assert.deepEqual([shown.baseline?.capabilities, shown.asked.capabilities], [["stdout"], ["stdout", "fs:read"]]);
  assert.equal(shown.observed?.runs, 1, "what the same bytes used is known");
  assert.match(workspace.expect(0, "inbox", "show", TENANT).stdout, /capabilities: 1 new: fs:read/);
  assert.equal(workspace.approve("carol").satisfied, true);
  assert.deepEqual(workspace.codes(), []);
});

test("what is no module, or a trick, is refused with its reason, recorded, and lies in `rejected`", (context) => {
  const workspace = InboxWorkspace.start(context);
  const tricks: readonly (readonly [name: string, content: Uint8Array, code: string])[] = [
    ["text.wasm", Buffer.from("hello"), "wasm/text"],
    ["script.sh", Buffer.from("#!/bin/sh"), "inbox/wrong-kind"],
    ["slip.zip", packZip([{ name: "../../policies/_default.json", content: "{}" }]), "inbox/archive-malformed"],
    [
      "extra.zip",
      packZip([
        { name: "module.wasm", content: assemble(GREETER) },
        { name: "x.js", content: "" },
      ]),
      "inbox/archive-name-forbidden",
    ],
    ["bomb.zip", packZip([{ name: "module.wasm", content: new Uint8Array(8_000_000), saidSize: 8 }]), "inbox/archive-malformed"],
    ["---.wasm", assemble(GREETER), "inbox/name-unusable"],
  ];
  const policies = readFileSync(join(workspace.root, "policies", "_default.json"), "utf8");
  for (const [name, content, code] of tricks) {
    const spoken = workspace.submit(content, name);
    assert.equal(spoken.exit, 3, name);
    assert.match(spoken.stderr, new RegExp(`\\[${code}\\]`), name);
  }
  assert.equal(readdirSync(join(workspace.root, "inbox", "agent", "rejected")).length, tricks.length);
  assert.equal(readFileSync(join(workspace.root, "policies", "_default.json"), "utf8"), policies);
  assert.equal(existsSync(join(workspace.root, "modules", "tenant-agent-text")), false);
  assert.match(workspace.expect(0, "ledger", "find", "--kind", "submission").stdout, /refused/);
  // Hidden names and .part are still being written.
  copyFileSync(
    join(workspace.root, "keys", "maintainers", "bob.pub"),
    join(workspace.root, "inbox", "agent", "pending", ".greet.wasm"),
  );
  assert.equal(workspace.nightcore("inbox", "sweep").exit, 0);
  assert.deepEqual(readdirSync(join(workspace.root, "inbox", "agent", "pending")), [".greet.wasm"]);
});

test("reject, revoke, and approve again; the history tells who could, who did, who refused and why, and what lapsed", (context) => {
  const workspace = InboxWorkspace.start(context);
  workspace.submit();
  workspace.sign();
  const { id } = workspace.approve("bob");
  workspace.expect(2, "inbox", "reject", TENANT);
  workspace.expect(0, "inbox", "reject", TENANT, "--reason", "it greets too loudly");
  assert.deepEqual(workspace.codes(), ["guardian/approval-rejected", "guardian/approval-missing"]);
  const again = workspace.approve("bob");
  assert.deepEqual(workspace.codes(), [], "a person may think again");
  workspace.expect(0, "approvals", "revoke", again.id.slice(0, 12), "--reason", "no, after all");
  assert.deepEqual(workspace.codes().slice(0, 1), ["guardian/approval-revoked"]);
  assert.notEqual(id, again.id);

  const { history, candidates } = workspace.json<History>("approvals", "history", TENANT);
  assert.deepEqual(
    history.map(({ what }) => what),
    ["submitted", "approved", "rejected", "approved", "revoked"],
  );
  assert.deepEqual([history[1]?.candidates, history[2]?.candidates], [["bob"], ["bob"]], "who could have approved then");
  assert.match(history[1]?.why ?? "", /rejected these bytes/);
  assert.match(history[3]?.why ?? "", /was revoked at .*no, after all/);
  assert.deepEqual(
    candidates.map(({ person }) => person),
    ["bob"],
  );
});

test("while somebody watches, what comes is taken in, and other commands write meanwhile", async (context) => {
  const workspace = InboxWorkspace.start(context);
  const { env } = toolEnvironment();
  const watching = spawn(process.execPath, [LAUNCHER, "inbox", "sweep", "--follow"], {
    env,
    cwd: workspace.root,
    stdio: "ignore",
  });
  context.after(() => watching.kill("SIGKILL"));
  const pending = join(workspace.root, "inbox", "agent", "pending");
  writeFileSync(join(pending, "greet.wasm.part"), assemble(GREETER));
  renameSync(join(pending, "greet.wasm.part"), join(pending, "greet.wasm"));
  while (existsSync(join(pending, "greet.wasm")) && watching.exitCode === null) await wait(50);
  watching.kill("SIGINT");
  const [exit] = (await once(watching, "exit")) as [number | null];
  assert.equal(exit, 0);
  workspace.sign();
  assert.deepEqual(workspace.codes(), ["guardian/approval-missing"]);
});
