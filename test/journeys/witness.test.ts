import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseVkey, verifyCheckpoint } from "../../packages/nightcore/src/ledger/index.ts";
import { sha256, verifyEd25519 } from "../../packages/nightcore/src/store/keys/index.ts";
import { toolEnvironment } from "../../tools/repository.ts";
import { end, serve, writePolicy } from "./witnesses.ts";
import { LAUNCHER, Workspace } from "./workspace.ts";

function makeWorld(context: TestContext): { readonly workspace: Workspace; readonly vkey: string } {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  workspace.expect(0, "generate-keys", "--out-dir", "keys", "--name", "w1", "--name", "w2");
  workspace.expect(0, "run", "hello");
  return { workspace, vkey: workspace.expect(0, "ledger", "vkey").stdout.trim() };
}

const SUBMIT = ["witness", "submit", "--policy", "witness.policy"] as const;

test("two witnesses cosign a log as it grows, and its receipts carry both", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const served = [await serve(context, workspace, "w1", [vkey]), await serve(context, workspace, "w2", [vkey])];
  writePolicy(workspace, vkey, served);
  assert.match(workspace.expect(0, ...SUBMIT).stderr, /the quorum is met/);
  const { run } = workspace.runOf("hello");
  const before = workspace.expect(0, "receipt", "show", run).stdout;
  writeFileSync(join(workspace.root, "before.json"), before);
  const keys = served.flatMap((witness) => ["--witness", witness.vkey]);
  const verify = (file: string) => workspace.nightcore("receipt", "verify", file, "--log-key", vkey, ...keys);
  assert.match(verify("before.json").stderr, /witness cosignatures: not cosigned by/, "it is newer than what was cosigned");
  workspace.expect(0, ...SUBMIT);
  writeFileSync(join(workspace.root, "after.json"), workspace.expect(0, "receipt", "show", run).stdout);
  const verified = verify("after.json");
  assert.equal(verified.exit, 0, verified.stderr);
  assert.match(verified.stdout, /ok +witness cosignatures +w1\.example\/witness at .*, w2\.example\/witness at /);

  const [first] = served;
  const name = createHash("sha256").update("test.example/log").digest("hex");
  const monitored = await fetch(`${first?.url}/${name}/checkpoint`);
  assert.match(await monitored.text(), /^test\.example\/log\n\d+\n[^\n]+\n\n— test\.example\/log .*\n— w1\.example\/witness /);
  assert.equal((await fetch(`${first?.url}/${"0".repeat(64)}/checkpoint`)).status, 404);
});

test("a witness that is away leaves the quorum unmet, and remembers when it comes back", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const served = [await serve(context, workspace, "w1", [vkey]), await serve(context, workspace, "w2", [vkey])];
  writePolicy(workspace, vkey, served);
  workspace.expect(0, ...SUBMIT);
  const [first, second] = served;
  assert.ok(first !== undefined && second !== undefined);
  await end(second);
  workspace.expect(0, "run", "hello");
  assert.match(workspace.expect(1, ...SUBMIT).stderr, /witness\/unreachable/);
  writePolicy(workspace, vkey, served, "w1");
  workspace.expect(0, ...SUBMIT);
  await serve(context, workspace, "w2", [vkey], Number(new URL(second.url).port));
  writePolicy(workspace, vkey, served);
  assert.match(workspace.expect(0, ...SUBMIT).stderr, /the quorum is met/);
});

test("a witness that was told of more by somebody else meanwhile is not taken for the sign of a rollback", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const served = await serve(context, workspace, "w1", [vkey]);
  let first = true;
  // What is submitted arrives late: the log has grown, and its growth was submitted, while it was on its way.
  const late = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray());
      if (first) {
        first = false;
        workspace.expect(0, "run", "hello");
        writePolicy(workspace, vkey, [served]);
        workspace.expect(0, ...SUBMIT);
      }
      const answer = await fetch(`${served.url}${request.url}`, { method: "POST", body });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(await answer.text());
    })();
  });
  context.after(() => late.close());
  late.listen(0, "127.0.0.1");
  await once(late, "listening");
  const { port } = late.address() as AddressInfo;
  writePolicy(workspace, vkey, [{ ...served, url: `http://127.0.0.1:${port}` }]);
  const child = spawn(process.execPath, [LAUNCHER, ...SUBMIT], { ...toolEnvironment(), cwd: workspace.root });
  const said = child.stderr.toArray();
  const [exit] = (await once(child, "exit")) as [number];
  assert.equal(exit, 0, String(await said));
  assert.match(String(await said), /w1` has cosigned \d+ entries.*\n.*the quorum is met/);
});

test("edited, cut, rolled back or forked: what the witnesses have seen is not cosigned away", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const served = [await serve(context, workspace, "w1", [vkey]), await serve(context, workspace, "w2", [vkey])];
  writePolicy(workspace, vkey, served);
  workspace.expect(0, ...SUBMIT);
  const own = join(workspace.root, ".nightcore");
  const older = join(workspace.root, "older");
  cpSync(own, older, { recursive: true });
  workspace.expect(0, "run", "hello");
  workspace.expect(0, ...SUBMIT);
  const newer = join(workspace.root, "newer");
  cpSync(own, newer, { recursive: true });
  const restore = (from: string) => {
    rmSync(own, { recursive: true });
    cpSync(from, own, { recursive: true });
  };

  restore(older);
  assert.match(workspace.expect(5, ...SUBMIT).stderr, /witness\/ahead[\s\S]*older copy/, "rolled back");
  workspace.expect(0, "run", "hello");
  assert.match(workspace.expect(1, ...SUBMIT).stderr, /status 422: another root was cosigned for this size: the log has forked/);
  workspace.expect(0, "run", "hello");
  const forked = workspace.expect(1, ...SUBMIT).stderr;
  assert.match(forked, /status 422: the proof does not lead from the tree that was cosigned/, "forked, and grown past it");

  for (const { url } of served) await assertProven(url, vkey);

  restore(newer);
  const path = join(own, "ledger/public/checkpoint");
  const checkpoint = readFileSync(path, "utf8");
  writeFileSync(path, checkpoint.replace(/(test\.example\/log\n)\d+/, "$13"));
  assert.equal(workspace.nightcore(...SUBMIT).exit, 5, "cut");
  writeFileSync(
    path,
    checkpoint.replace(/^(test.*\n\d+\n)./, (_, head: string) => `${head}+`),
  );
  assert.equal(workspace.nightcore(...SUBMIT).exit, 5, "edited");

  restore(newer);
  workspace.expect(0, ...SUBMIT);
});

type Kept = { readonly why: string; readonly cosigned: string; readonly refused: string };

/** What a witness shows of the fork convicts the log to whoever has its key: two roots of one size, both signed. */
async function assertProven(url: string, vkey: string): Promise<void> {
  const name = createHash("sha256").update("test.example/log").digest("hex");
  const kept = (await (await fetch(`${url}/${name}/contradictions`)).text()).trimEnd().split("\n");
  const [same, grown] = kept.map((line) => JSON.parse(line) as Kept);
  assert.ok(same !== undefined && grown !== undefined && kept.length === 2);
  assert.match(`${same.why}; ${grown.why}`, /forked.*; the proof does not lead/);
  const key = parseVkey(sha256, vkey);
  assert.ok(key.ok);
  const heads = [same.cosigned, same.refused].map((note) => verifyCheckpoint(note, key.value, verifyEd25519));
  const [cosigned, refused] = heads.map((head) => (head.ok ? head.value : undefined));
  assert.ok(cosigned !== undefined && refused !== undefined);
  assert.equal(cosigned.size, refused.size);
  assert.notDeepEqual(cosigned.root, refused.root);
}

test("what cannot be witnessed is refused in words", async (context) => {
  const { workspace, vkey } = makeWorld(context);
  const other = Workspace.make(context);
  const foreign = other.expect(0, "ledger", "vkey").stdout.trim();
  const served = await serve(context, workspace, "w1", [foreign]);
  writePolicy(workspace, vkey, [served]);
  assert.match(workspace.expect(1, ...SUBMIT).stderr, /witness\/refused|status 40[34]/);
  writePolicy(workspace, foreign, [served]);
  assert.match(workspace.expect(2, ...SUBMIT).stderr, /the policy is for other logs/);
  writeFileSync(join(workspace.root, "witness.policy"), "quorum w1\nnonsense\n");
  assert.match(workspace.expect(2, ...SUBMIT).stderr, /line 1.*line 2/);
  assert.match(
    workspace.expect(2, "witness", "serve", "--key", "keys/maintainers/w1.key", "--name", "a b", "--log", vkey).stderr,
    /cannot name/,
  );
  assert.match(workspace.expect(2, "witness", "serve", "--key", "keys/maintainers/w1.key", "--name", "w").stderr, /--log VKEY/);
  const post = (body: string) => fetch(`${served.url}/add-checkpoint`, { method: "POST", body });
  assert.equal((await post("x".repeat(300_000))).status, 400);
  assert.equal((await post("")).status, 400);
  assert.equal((await fetch(served.url)).status, 404);
});
