/**
 * The receipt page: its size as one file, and how long it takes to check one receipt of a run that has ended with `nightcore/verify`.
 *
 * The peer of the time is the arithmetic that cannot be spared, by the same library in the same run: one Ed25519 verification for
 * the checkpoint and one for each entry.
 */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnvelope } from "../packages/nightcore/src/attest/index.ts";
import {
  addMlDsaSignature,
  encodeMlDsaVkey,
  encodeReceipt,
  makeMlDsaKey,
  parseReceipt,
  parseTlogProof,
  parseVkey,
} from "../packages/nightcore/src/ledger/index.ts";
import { publicKeyOf, signerOf } from "../packages/nightcore/src/store/keys/index.ts";
import { inspectReceipt, nobleCrypto } from "../packages/nightcore/src/verify/index.ts";
import { buildLauncher, compileGreeter, makeWorkspace, medianOf } from "../tools/bench-workspace.ts";
import { makePromiseLine } from "../tools/promise.ts";

const ROUNDS = 5;
const PER_ROUND = 20;
const PAGE_KIB = 100;

if (process.argv.includes("--list"))
  process.stdout.write("receipt-page-size\nreceipt-signed-twice-size\nverify-receipt-signed-twice\nverify-receipt\n");
else await measure();

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(process.env["NIGHTCORE_BENCH_DIR"] ?? tmpdir(), "nightcore-receipt-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const launcher = await buildLauncher(join(folder, "package"));
  const workspace = join(folder, "workspace");
  makeWorkspace({ launcher, folder: workspace, tenants: 1, module: await compileGreeter() });
  const nightcore = (...args: readonly string[]) =>
    spawnSync(process.execPath, [launcher, ...args], { cwd: workspace, encoding: "utf8", maxBuffer: 1 << 24 });
  const { runs } = JSON.parse(nightcore("run", "--all", "--json").stdout) as {
    readonly runs: readonly { readonly run: string }[];
  };
  const receipt = Buffer.from(nightcore("receipt", "show", runs[0]?.run ?? "").stdout);
  const logKey = nightcore("ledger", "vkey").stdout.trim();
  nightcore("receipt", "page", "--out", "page.html");
  const page = readFileSync(join(workspace, "page.html")).length / 1024;
  print({
    name: "receipt-page-size",
    unit: "KiB",
    measured: page,
    against: PAGE_KIB,
    peer: "the promised size",
    promise: "<= 1",
  });

  const { publicKey, envelopes } = partsOf(receipt, logKey);
  const checks = (): void => {
    if (!inspectReceipt(receipt, { logKey }, nobleCrypto).verified) throw new Error("the receipt does not verify");
  };
  const bare = (): void => {
    for (const { payload, sig } of [...envelopes, ...envelopes.slice(0, 1)]) nobleCrypto.verifyEd25519(publicKey, payload, sig);
  };
  checks();
  bare();
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(milliseconds(checks));
    theirs.push(milliseconds(bare));
  }
  const peer = "its three Ed25519 verifications alone";
  measureSignedTwice(receipt, logKey, medianOf(ours));
  print({ name: "verify-receipt", unit: "ms", measured: medianOf(ours), against: medianOf(theirs), peer, promise: "<= 2" });
}

/** The same receipt under a checkpoint that is signed with ML-DSA-44 too: what that adds in bytes and in time. */
function measureSignedTwice(receipt: Uint8Array, logKey: string, once: number): void {
  const { privateKey } = generateKeyPairSync("ml-dsa-44");
  const key = makeMlDsaKey(nobleCrypto.sha256, logKey.split("+")[0] ?? "", publicKeyOf(privateKey));
  const parsed = parseReceipt(receipt);
  const proof = parsed.ok ? parseTlogProof(parsed.value.entries[0]?.proof ?? "") : parsed;
  if (!key.ok || !parsed.ok || !proof.ok) throw new Error("the receipt cannot be read");
  const { checkpoint } = proof.value;
  const signed = addMlDsaSignature(checkpoint, key.value, signerOf(privateKey));
  const entries = parsed.value.entries.map((entry) => ({ ...entry, proof: entry.proof.replace(checkpoint, signed) }));
  const twice = encodeReceipt({ ...parsed.value, entries });
  const trust = { logKey: `${logKey}\n${encodeMlDsaVkey(key.value)}` };
  const times = Array.from({ length: ROUNDS }, () =>
    milliseconds(() => {
      if (!inspectReceipt(twice, trust, nobleCrypto).verified) throw new Error("the receipt does not verify");
    }),
  );
  const peer = "the same receipt with one signature";
  const bytes = { measured: twice.length / 1024, against: receipt.length / 1024 };
  print({ name: "receipt-signed-twice-size", unit: "KiB", ...bytes, peer, promise: "<= 4" });
  print({
    name: "verify-receipt-signed-twice",
    unit: "ms",
    measured: medianOf(times),
    against: once,
    peer,
    promise: "<= 3",
  });
}

function partsOf(receipt: Uint8Array, vkey: string) {
  const parsed = parseReceipt(receipt);
  const key = parseVkey(nobleCrypto.sha256, vkey);
  if (!parsed.ok || !key.ok) throw new Error("the receipt cannot be read");
  const envelopes = parsed.value.entries.map(({ envelope }) => {
    const read = parseEnvelope(Buffer.from(envelope));
    const sig = read.ok ? read.value.signatures[0]?.sig : undefined;
    if (!read.ok || sig === undefined) throw new Error("an entry cannot be read");
    return { payload: read.value.payload, sig };
  });
  return { publicKey: key.value.publicKey, envelopes };
}

function milliseconds(work: () => void): number {
  const startedMs = performance.now();
  for (let n = 0; n < PER_ROUND; n++) work();
  return (performance.now() - startedMs) / PER_ROUND;
}

function print(line: Parameters<typeof makePromiseLine>[0]): void {
  const round = (value: number) => Number(value.toPrecision(3));
  process.stdout.write(
    `${JSON.stringify(makePromiseLine({ ...line, measured: round(line.measured), against: round(line.against) }))}\n`,
  );
}
