import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import {
  addMlDsaSignature,
  encodeMlDsaVkey,
  encodeWitnessVkey,
  makeMlDsaKey,
  makeWitnessKey,
  parseNote,
  parseTlogProof,
  signCosignature,
} from "../../packages/nightcore/src/ledger/index.ts";
import { publicKeyOf, sha256, signerOf, verifyEd25519, verifyMlDsa44 } from "../../packages/nightcore/src/store/keys/index.ts";
import { inspectReceipt, nobleCrypto } from "../../packages/nightcore/src/verify/index.ts";
import { buildPackage } from "../../tools/build.ts";
import { findChromium } from "../../tools/parts.ts";
import { REPOSITORY } from "../../tools/repository.ts";
import { renderReceiptPage } from "../../packages/nightcore/src/report/index.ts";
import { Workspace } from "./workspace.ts";

type Receipt = { readonly format: string; run: string; logKey: string; readonly entries: { envelope: string; proof: string }[] };

const executablePath = findChromium();
const WITHOUT_BROWSER = executablePath === undefined && "no chromium on this machine: apt-get install chromium";

let folder = "";
let vkey = "";
let genuine = "";
let other = "";
let html = "";
let witnessVkey = "";
let cosigned = "";
let absentWitnessVkey = "";
let browser: Browser | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "nightcore-receipt-page-"));
  const workspace = Workspace.make({ after: () => undefined } as never);
  try {
    workspace.addTenant("hello");
    workspace.signAndTrust("hello");
    genuine = workspace.expect(0, "receipt", "show", workspace.runOf("hello").run).stdout;
    other = workspace.expect(0, "receipt", "show", workspace.runOf("hello").run).stdout;
    vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  } finally {
    rmSync(workspace.root, { recursive: true, force: true });
  }
  await buildPackage({ folder: join(folder, "package") });
  html = renderReceiptPage({ verifier: readFileSync(join(folder, "package/lib/verify-page.js"), "utf8"), logKey: vkey, sha256 });
  ({ vkey: witnessVkey, receipt: cosigned } = cosign(genuine));
  ({ vkey: absentWitnessVkey } = cosign(genuine, "witness.example/w2"));
  if (executablePath !== undefined)
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The same receipt with the checkpoint of each proof cosigned by a witness that is made here. */
function cosign(text: string, name = "witness.example/w1"): { readonly vkey: string; readonly receipt: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = makeWitnessKey(sha256, name, publicKeyOf(privateKey));
  assert.ok(key.ok);
  const receipt = JSON.parse(text) as Receipt;
  for (const entry of receipt.entries) {
    const proof = parseTlogProof(entry.proof);
    assert.ok(proof.ok);
    const note = parseNote(proof.value.checkpoint);
    assert.ok(note.ok);
    const { keyId, signature } = signCosignature(
      note.value.text,
      { key: key.value, atSeconds: 1_800_000_000 },
      signerOf(privateKey),
    );
    const line = Buffer.concat([Buffer.from(keyId, "hex"), signature]).toString("base64");
    entry.proof = `${entry.proof}— ${name} ${line}\n`;
  }
  return { vkey: encodeWitnessVkey(key.value), receipt: JSON.stringify(receipt) };
}

/** The same receipt with the checkpoint of each proof signed by an ML-DSA-44 key of the log that is made here. */
function signTwice(text: string): { readonly vkey: string; readonly receipt: string } {
  const { privateKey } = generateKeyPairSync("ml-dsa-44");
  const key = makeMlDsaKey(sha256, "test.example/log", publicKeyOf(privateKey));
  assert.ok(key.ok);
  const receipt = JSON.parse(text) as Receipt;
  const checkpoints = new Map<string, string>();
  for (const entry of receipt.entries) {
    const proof = parseTlogProof(entry.proof);
    assert.ok(proof.ok);
    const { checkpoint } = proof.value;
    const signed = checkpoints.get(checkpoint) ?? addMlDsaSignature(checkpoint, key.value, signerOf(privateKey));
    checkpoints.set(checkpoint, signed);
    entry.proof = entry.proof.replace(checkpoint, signed);
  }
  return { vkey: encodeMlDsaVkey(key.value), receipt: JSON.stringify(receipt) };
}

/** A receipt with one thing changed; `entry` is the outcome's. */
function change(edit: (receipt: Receipt, entry: Receipt["entries"][number]) => void, from = genuine): string {
  const receipt = JSON.parse(from) as Receipt;
  const entry = receipt.entries.at(-1);
  assert.ok(entry !== undefined);
  edit(receipt, entry);
  return JSON.stringify(receipt);
}

/** Another payload in the place of the signed one: what a field of the statement would be after it was edited. */
function editPayload(entry: Receipt["entries"][number], edit: (text: string) => string): void {
  const envelope = JSON.parse(entry.envelope) as { payload: string };
  const before = Buffer.from(envelope.payload, "base64").toString("utf8");
  const edited = edit(before);
  assert.notEqual(edited, before, "the field is there");
  entry.envelope = JSON.stringify({ ...envelope, payload: Buffer.from(edited).toString("base64") });
}

/** Another character of base64 in the place of the one behind `place`: never the one that stood there, whatever was signed. */
function changeBehind(text: string, place: RegExp): string {
  const changed = text.replace(new RegExp(`(${place.source})(.)`, place.flags), (_all, before: string, character: string) => {
    return `${before}${character === "A" ? "B" : "A"}`;
  });
  assert.notEqual(changed, text, "the place is there");
  return changed;
}

const INCLUDED = "entries included in the log";
const CHANGED: readonly (readonly [field: string, breaks: string, make: () => string])[] = [
  [
    "a digest of the module",
    INCLUDED,
    () => change((_, entry) => editPayload(entry, (text) => text.replace(/"digest":"./, '"digest":"0'))),
  ],
  [
    "the fuel that was used",
    INCLUDED,
    () => change((_, entry) => editPayload(entry, (text) => text.replace(/"fuel":\d/, '"fuel":0'))),
  ],
  [
    "the exit code",
    INCLUDED,
    () => change((_, entry) => editPayload(entry, (text) => text.replace('"exitCode":0', '"exitCode":1'))),
  ],
  ["the tenant", INCLUDED, () => change((_, entry) => editPayload(entry, (text) => text.replaceAll("hello", "hallo")))],
  [
    "the policy digest of the decision",
    INCLUDED,
    () =>
      change(({ entries }) => {
        const [passage] = entries;
        assert.ok(passage !== undefined);
        editPayload(passage, (text) =>
          text
            .replace(/("policy":\{"state":"read","digest":")./, "$1f")
            .replace(/("policy":\{"state":"read","digest":"f)./, "$1f"),
        );
      }),
  ],
  ["the envelope's signature", INCLUDED, () => change((_, entry) => (entry.envelope = changeBehind(entry.envelope, /"sig":"/)))],
  [
    "the index",
    INCLUDED,
    () => change(({ entries: [first] }) => first && (first.proof = first.proof.replace(/^index \d+$/m, "index 0"))),
  ],
  ["a sibling hash", INCLUDED, () => change((_, entry) => (entry.proof = changeBehind(entry.proof, /^index \d+\n/m)))],
  [
    "the size of the tree",
    "checkpoint signature and origin",
    () =>
      change(({ entries }) =>
        entries.forEach((entry) => (entry.proof = entry.proof.replace(/(test\.example\/log\n)\d+/, "$199"))),
      ),
  ],
  [
    "the root",
    "checkpoint signature and origin",
    () =>
      change(({ entries }) => entries.forEach((entry) => (entry.proof = changeBehind(entry.proof, /test\.example\/log\n\d+\n/)))),
  ],
  [
    "the origin",
    "checkpoint signature and origin",
    () =>
      change(({ entries }) =>
        entries.forEach((entry) => (entry.proof = entry.proof.replace("test.example/log\n", "test.example/lag\n"))),
      ),
  ],
  [
    "the checkpoint's signature",
    "checkpoint signature and origin",
    () => change(({ entries }) => entries.forEach((entry) => (entry.proof = changeBehind(entry.proof, /— \S+ .{12}/)))),
  ],
  [
    "one checkpoint of several",
    "one checkpoint for all proofs",
    () => change((_, entry) => (entry.proof = entry.proof.replace(/(test\.example\/log\n)\d+/, "$199"))),
  ],
  [
    "the run that it is of",
    "entries belong to the run",
    () => change((receipt) => (receipt.run = "01999c3e-0000-7000-8000-000000000000")),
  ],
  ["the form", "receipt format", () => genuine.replace("nightcore-receipt/v1", "nightcore-receipt/v9")],
  ["the order of the entries", "entries in the order of the log", () => change(({ entries }) => entries.reverse())],
  [
    "an entry of another run",
    "entries belong to the run",
    () => {
      const foreign = (JSON.parse(other) as Receipt).entries;
      return change(({ entries }) => void entries.splice(0, entries.length, ...foreign));
    },
  ],
  ["an entry that is left out", "allowed before it ran", () => change(({ entries }) => void entries.splice(0, 1))],
];

const failedIn = (text: string, trust: { logKey: string; witnessKeys?: readonly string[] }, crypto = nobleCrypto) =>
  inspectReceipt(Buffer.from(text), trust, crypto).checks.find(({ outcome }) => outcome === "failed");

test("a genuine receipt passes every check, by noble's arithmetic and by OpenSSL's", () => {
  for (const crypto of [nobleCrypto, { sha256, verifyEd25519, verifyMlDsa44 }]) {
    const { verified, checks } = inspectReceipt(Buffer.from(genuine), { logKey: vkey }, crypto);
    assert.equal(verified, true);
    const absent = checks.filter(({ outcome }) => outcome === "absent").map(({ name }) => name);
    assert.deepEqual(absent, ["ML-DSA-44 checkpoint signature", "witness cosignatures", "approval"]);
    assert.ok(checks.every(({ outcome }) => outcome === "ok" || outcome === "absent"));
  }
});

for (const [field, breaks, make] of CHANGED) {
  test(`with ${field} changed, the check that fails is: ${breaks}`, () => {
    const failed = failedIn(make(), { logKey: vkey });
    assert.equal(failed?.name, breaks);
    assert.ok((failed?.why ?? "") !== "", "it says why");
  });
}

test("a witness that was named must have cosigned, and its line must hold", () => {
  const trust = { logKey: vkey, witnessKeys: [witnessVkey] };
  assert.equal(inspectReceipt(Buffer.from(cosigned), trust, nobleCrypto).verified, true);
  assert.match(failedIn(genuine, trust)?.why ?? "", /not cosigned by witness\.example/);
  const bad = change(
    ({ entries }) => entries.forEach((entry) => (entry.proof = changeBehind(entry.proof, /— witness\S+ .{30}/))),
    cosigned,
  );
  assert.deepEqual([failedIn(bad, trust)?.name], ["witness cosignatures"]);
  assert.match(failedIn(cosigned, { logKey: vkey, witnessKeys: [vkey] })?.why ?? "", /type 1/);
});

test("the command of the published package writes the page, and the example of the documents checks a receipt", () => {
  const launcher = join(folder, "package/bin/nightcore.cjs");
  const written = spawnSync(process.execPath, [launcher, "receipt", "page", "--log-key", vkey], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.equal(written.status, 0, written.stderr);
  assert.equal(written.stdout.trim(), html.trim());
  const file = join(folder, "genuine.json");
  writeFileSync(file, genuine);
  const example = (key: string) =>
    spawnSync(process.execPath, [join(REPOSITORY, "examples/verify/receipt.js"), file, key], { encoding: "utf8" });
  assert.deepEqual([example(vkey).status, example("nobody+00000000+AA==").status], [0, 4]);
  assert.match(example(vkey).stdout, /^ok: within the grant: fuel/m);
  const document = readFileSync(join(REPOSITORY, "docs/formats/receipt.md"), "utf8");
  assert.ok(
    document.includes(readFileSync(join(REPOSITORY, "examples/verify/receipt.js"), "utf8")),
    "the document shows this example",
  );
});

test("another log's key verifies nothing", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(12);
  const key = makeWitnessKey(sha256, "test.example/log", raw);
  assert.ok(key.ok);
  assert.equal(failedIn(genuine, { logKey: encodeWitnessVkey(key.value) })?.name, "verifier key");
});

test("what is published as `nightcore/verify` needs nothing of Node and gives the same answer", async () => {
  const published = join(folder, "package/lib/verify.js");
  assert.ok(!/\brequire\(|from "node:|\bprocess\.|\bBuffer\b/.test(readFileSync(published, "utf8")));
  const door = (await import(pathToFileURL(published).href)) as typeof import("../../packages/nightcore/src/verify/index.ts");
  assert.equal(door.inspectReceipt(Buffer.from(genuine), { logKey: vkey }, door.nobleCrypto).verified, true);
});

async function openPage(
  options: { readonly width?: number; readonly colorScheme?: "dark" | "light" } = {},
): Promise<{ page: Page; complaints: string[] }> {
  assert.ok(browser !== undefined);
  const path = join(folder, "receipt.html");
  writeFileSync(path, html);
  const context = await browser.newContext({
    offline: true,
    viewport: { width: options.width ?? 1100, height: 1000 },
    colorScheme: options.colorScheme ?? "dark",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url() === pathToFileURL(path).href || complaints.push(request.url()));
  await page.goto(pathToFileURL(path).href);
  return { page, complaints };
}

const drop = (page: Page, text: string) =>
  page.setInputFiles("#file", { name: "receipt.json", mimeType: "application/json", buffer: Buffer.from(text) });
const outcomes = (page: Page): Promise<readonly string[]> =>
  page.evaluate(`[...document.querySelectorAll("tr[data-check]")].map((row) => row.dataset.check + ": " + row.dataset.outcome)`);

test(
  "the page checks a receipt with the network off, and each change turns its check red",
  { skip: WITHOUT_BROWSER },
  async () => {
    const { page, complaints } = await openPage();
    await drop(page, genuine);
    await page.waitForSelector(".verdict.ok");
    const all = await outcomes(page);
    assert.ok(all.length >= 16 && all.every((one) => /: (?:ok|absent)$/.test(one)), all.join("\n"));
    for (const [field, breaks, make] of CHANGED) {
      await drop(page, make());
      await page.waitForSelector(".verdict.failed");
      const failed = (await outcomes(page)).filter((one) => one.endsWith(": failed"));
      assert.equal(failed[0], `${breaks}: failed`, field);
      const why = await page.textContent(`tr[data-check="${breaks}"] td:last-child`);
      assert.ok((why ?? "").length > 5, `${field} is explained`);
      await drop(page, genuine);
      await page.waitForSelector(".verdict.ok");
    }
    await page.fill("#witness-keys", witnessVkey);
    await page.waitForSelector(".verdict.failed");
    await drop(page, cosigned);
    await page.waitForSelector(".verdict.ok");
    // The second signature is checked when its key is named, in the page too.
    const signedTwice = signTwice(cosigned);
    await drop(page, signedTwice.receipt);
    await page.waitForSelector("[data-check='ML-DSA-44 checkpoint signature'][data-outcome=absent]");
    await page.fill("#log-key", `${vkey}\n${signedTwice.vkey}`);
    await page.waitForSelector("[data-check='ML-DSA-44 checkpoint signature'][data-outcome=ok]");
    await drop(page, cosigned);
    await page.waitForSelector("[data-check='ML-DSA-44 checkpoint signature'][data-outcome=failed]");
    await page.fill("#log-key", vkey);
    await page.waitForSelector(".verdict.ok");
    // A policy counts instead of a list of keys: here, any one of two witnesses.
    const policy = `witness w1 ${witnessVkey}\nwitness w2 ${absentWitnessVkey}\ngroup g any w1 w2\n`;
    await page.fill("#witness-keys", `${policy}quorum g\n`);
    await page.waitForSelector("[data-check='witness cosignatures'][data-outcome=ok]");
    await page.fill("#witness-keys", `${policy}quorum w2\n`);
    await page.waitForSelector("[data-check='witness cosignatures'][data-outcome=failed]");
    assert.deepEqual(complaints, []);
  },
);

test("hostile text in a receipt stays text", { skip: WITHOUT_BROWSER }, async () => {
  const { page, complaints } = await openPage();
  await drop(page, genuine);
  await page.waitForSelector(".verdict.ok");
  await drop(page, JSON.stringify({ ...JSON.parse(genuine), run: "<img src=x onerror=alert(1)>" }));
  await page.waitForSelector(".verdict.failed");
  await page.fill("#log-key", "<b>+00000000+AA==");
  assert.equal(await page.locator("#result img, #result b").count(), 0);
  assert.deepEqual(complaints, []);
});

test(
  "a file dropped on the page is taken, and the page fits a phone, in dark and in light",
  { skip: WITHOUT_BROWSER },
  async () => {
    for (const colorScheme of ["dark", "light"] as const) {
      const { page } = await openPage({ width: 390, colorScheme });
      await page.evaluate(`{
      const data = new DataTransfer();
      data.items.add(new File([${JSON.stringify(genuine)}], "dropped.json"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
    }`);
      await page.waitForSelector(".verdict.ok");
      const wider = Number(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"));
      assert.ok(wider <= 0, `${colorScheme}: ${wider} pixels too wide`);
      if (process.env["NIGHTCORE_PICTURES"] !== undefined)
        await page.screenshot({ path: join(process.env["NIGHTCORE_PICTURES"], `receipt-${colorScheme}.png`), fullPage: true });
      await page.context().close();
    }
  },
);
