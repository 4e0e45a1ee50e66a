import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { after, test, type TestContext } from "node:test";
import { encodeVkey, makeLogKey } from "../../packages/nightcore/src/ledger/index.ts";
import { publicKeyOf, sha256 } from "../../packages/nightcore/src/store/keys/index.ts";
import { openLedgerReader, openLedgerWriter, pruneLedger } from "../../packages/nightcore/src/store/tiles/index.ts";
import { Workspace } from "../journeys/workspace.ts";

// A second implementation, in another language and on other people's packages, reads the logs that we write.

const folder = mkdtempSync(join(tmpdir(), "nightcore-go-"));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
const verifier = join(folder, "goverify");
// Debian keeps Go's packages where GOPATH finds them; nothing is fetched.
const environment = {
  ...process.env,
  GOPATH: "/usr/share/gocode",
  GO111MODULE: "off",
  GOFLAGS: "",
  GOCACHE: join(folder, "cache"),
};
const built = spawnSync("go", ["build", "-o", verifier, join(import.meta.dirname, "go", "main.go")], {
  env: environment,
  encoding: "utf8",
});

/** Whether the verifier is there; says how to get it where it is not. */
function isReady(context: TestContext): boolean {
  if (built.status === 0) return true;
  context.skip(
    `goverify cannot be built (apt-get install golang-go golang-golang-x-mod-dev): ${(built.stderr ?? built.error?.message ?? "").slice(0, 200)}`,
  );
  return false;
}

function verify(...args: readonly string[]): { readonly exit: number | null; readonly said: string } {
  const { status, stdout } = spawnSync(verifier, args, { encoding: "utf8" });
  return { exit: status, said: stdout };
}

type Log = { readonly folder: string; readonly published: string; readonly vkey: string };

/** A log of 300 entries, its checkpoint kept aside, that then grew to `size`. `salt` makes forks differ. */
async function writeLog(
  name: string,
  size: number,
  { key, salt, mlDsaKey }: { readonly key: KeyObject; readonly salt: string; readonly mlDsaKey?: KeyObject },
): Promise<Log> {
  const log = join(folder, name);
  const origin = "go.example/log";
  const logKey = makeLogKey(sha256, origin, publicKeyOf(key));
  assert.ok(logKey.ok);
  for (const [from, to] of [
    [0, 300],
    [300, size],
  ] as const) {
    const writer = await openLedgerWriter({ folder: log, origin, key, mlDsaKey, thread: false });
    assert.ok(writer.ok);
    const payloads = Array.from({ length: to - from }, (_, n) =>
      Buffer.from(`{"entry":${from + n},"salt":"${from + n < 200 ? "" : salt}"}`),
    );
    const appended = await writer.value.append(payloads);
    assert.ok(appended.ok);
    assert.ok((await writer.value.close()).ok);
    cpSync(join(log, "public", "checkpoint"), join(log, `checkpoint-${to}`));
  }
  return { folder: log, published: join(log, "public"), vkey: encodeVkey(logKey.value) };
}

test("Go's tlog and note packages verify our log: signature, tree, every inclusion, growth", async (context) => {
  if (!isReady(context)) return;
  const { privateKey } = generateKeyPairSync("ed25519");
  const log = await writeLog("sound", 700, { key: privateKey, salt: "" });
  const { exit, said } = verify(log.vkey, log.published, join(log.folder, "checkpoint-300"));
  assert.equal(exit, 0, said);
  assert.match(said, /verified: 700 entries from 0 on/);
});

test("Go passes over a second signature of ML-DSA-44, which it does not know, and verifies the first", async (context) => {
  if (!isReady(context)) return;
  const { privateKey } = generateKeyPairSync("ed25519");
  const { privateKey: mlDsaKey } = generateKeyPairSync("ml-dsa-44");
  const log = await writeLog("signed-twice", 700, { key: privateKey, salt: "", mlDsaKey });
  assert.equal(readFileSync(join(log.published, "checkpoint"), "utf8").split("\n— ").length, 3);
  const { exit, said } = verify(log.vkey, log.published, join(log.folder, "checkpoint-300"));
  assert.equal(exit, 0, said);
});

test("Go notices a flipped byte, a cut tail, a missing tile, a wrong key, a fork and a rollback", async (context) => {
  if (!isReady(context)) return;
  const { privateKey } = generateKeyPairSync("ed25519");
  const log = await writeLog("spoiled", 700, { key: privateKey, salt: "" });
  const fork = await writeLog("fork", 700, { key: privateKey, salt: "other" });
  const bundle = "tile/entries/001";
  const rows: readonly (readonly [what: string, spoil: (published: string) => void, words: RegExp])[] = [
    ["a flipped byte of an entry", (published) => flip(join(published, bundle), 100), /give the root\b/],
    ["a flipped byte of a tile", (published) => flip(join(published, "tile/0/001"), 100), /entry \d+|tile/],
    ["a cut tail", (published) => truncateSync(join(published, "tile/entries/002.p/188"), 40), /cut/],
    ["a missing tile", (published) => rmSync(join(published, "tile/1"), { recursive: true }), /no such file/],
    ["a changed checkpoint", (published) => flip(join(published, "checkpoint"), 20), /checkpoint|not of this log/],
  ];
  for (const [what, spoil, words] of rows) {
    const copy = join(folder, "copy");
    cpSync(log.published, copy, { recursive: true });
    spoil(copy);
    const { exit, said } = verify(log.vkey, copy);
    assert.equal(exit, 1, `${what}: ${said}`);
    assert.match(said, words, what);
    rmSync(copy, { recursive: true });
  }
  const stranger = makeLogKey(sha256, "go.example/log", publicKeyOf(generateKeyPairSync("ed25519").privateKey));
  assert.ok(stranger.ok);
  assert.equal(verify(encodeVkey(stranger.value), log.published).exit, 1, "another key");
  assert.match(verify(log.vkey, log.published, join(fork.folder, "checkpoint-300")).said, /not what it was at 300/);
  const early = await writeLog("early", 301, { key: privateKey, salt: "" });
  assert.match(verify(log.vkey, early.published, join(log.folder, "checkpoint-700")).said, /has 301 entries, and had 700/);
});

test("Go proves what is left of a pruned log from the published folder alone, and all of it with the archive", async (context) => {
  if (!isReady(context)) return;
  const log = await writeLog("pruned", 700, { key: generateKeyPairSync("ed25519").privateKey, salt: "" });
  const whole = join(folder, "whole");
  const reader = openLedgerReader({ folder: log.folder });
  assert.ok(reader.ok);
  const record = () => Promise.resolve({ ok: true, value: undefined } as const);
  const archive = join(folder, "pruned-archive");
  const pruned = await pruneLedger({ reader: reader.value, archive, minimumIndex: 512, recordedIndex: 0, record });
  assert.ok(pruned.ok && pruned.value.files === 4, JSON.stringify(pruned));
  const older = join(log.folder, "checkpoint-700");
  const { exit, said } = verify("-from", "512", log.vkey, log.published, older);
  assert.equal(exit, 0, said);
  assert.match(said, /verified: 700 entries from 512 on/);
  assert.equal(verify(log.vkey, log.published).exit, 1, "what is gone is gone");
  flip(join(log.published, "tile/entries/002.p/188"), 40);
  assert.equal(verify("-from", "512", log.vkey, log.published).exit, 1, "what is left is still looked at");
  flip(join(log.published, "tile/entries/002.p/188"), 40);
  for (const part of [log.published, join(archive, "public")]) cpSync(part, whole, { recursive: true });
  assert.equal(verify(log.vkey, whole, join(log.folder, "checkpoint-300")).exit, 0);
});

test("Go verifies the log of a real workspace", (context) => {
  if (!isReady(context)) return;
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  workspace.expect(0, "run", "--all");
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  const { exit, said } = verify(vkey, join(workspace.root, ".nightcore", "ledger", "public"));
  assert.equal(exit, 0, said);
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}
