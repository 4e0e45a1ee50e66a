import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseStatement } from "#attest";
import { type Bytes, type Digest, encodeBase64, fail, type KeyId, keyIdOf, ok, type Result, type SignEd25519, utf8 } from "#core";
import type { Appended, Engine, EngineJob, EngineReport, LedgerFault, LedgerWriter, ModuleFiles, ModuleSource } from "#ports";
import { type Event, MemoryRows, readEvent, stepsOf } from "#state";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { TrustStore } from "#trust";
import { Pipeline, PolicyShelf, Recorder, type RunRequest } from "#worker";

// What the tests of this room share: a module that is signed and trusted, and a pipeline on fakes.

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
export const SIGN: SignEd25519 = signerOf(privateKey);
const PUBLIC = publicKeyOf(publicKey);
export const KEY_ID: KeyId = keyIdOf(sha256, PUBLIC);
// (module (func (export "_start")))
export const MODULE: Bytes = Uint8Array.fromHex(
  "0061736d01000000010401600000030201000 70a01065f737461727400000a040102000b".replaceAll(" ", ""),
);

const STORE = TrustStore.empty.withGrant(
  { keyId: KEY_ID, publicKey: PUBLIC, name: "alice" },
  { keyId: KEY_ID, role: "signer", tenants: ["*"], from: undefined, to: undefined, addedAt: "2026-01-01T00:00:00.000Z" },
);

/** What lies in the folder of a module that runs. */
export const GOOD: ModuleFiles = {
  wasm: ok(MODULE),
  manifest: utf8('{"permissions":["stdout"]}'),
  signature: utf8(encodeBase64(SIGN(MODULE))),
  envelope: undefined,
  publicKeyHint: undefined,
  digestFile: undefined,
};

export const REQUEST: RunRequest = {
  mode: "run",
  entry: undefined,
  args: [],
  env: [],
  stdin: new Uint8Array(),
  operatorGrants: [],
};

/** When something became durable, and when a guest ran. */
type Step = "append" | "run";

type RigOptions = {
  readonly failAppend?: number;
  readonly report?: Partial<EngineReport>;
  /** How the run ends that is the nth to start. */
  readonly reportOf?: (n: number) => Partial<EngineReport>;
};

export type Rig = {
  readonly pipeline: Pipeline;
  readonly steps: readonly Step[];
  /** What was recorded, an event for each entry. */
  readonly log: Event[];
  /** The same with the steps of passages. */
  readonly entries: Event[];
  readonly jobs: readonly EngineJob[];
  readonly rows: MemoryRows;
  /** The policies in force, by their files' names. */
  readonly files: Record<string, string>;
};

function readPayload(payload: Bytes): Event {
  const statement = parseStatement(payload);
  assert.ok(statement.ok);
  return readEvent(statement.value.predicateType, statement.value.predicate) ?? assert.fail(statement.value.predicateType);
}

/** A pipeline on fakes that write down, in one list, when something became durable and when a guest ran. */
export function makeRig({ failAppend = Infinity, report = {}, reportOf = () => report }: RigOptions = {}): Rig {
  const steps: Step[] = [];
  const log: Event[] = [];
  const entries: Event[] = [];
  const jobs: EngineJob[] = [];
  const rows = new MemoryRows();
  let appends = 0;
  const ledger: LedgerWriter = {
    openedSize: 0,
    recovery: { tornBytes: 0, rewrittenFiles: [], removedFiles: [] },
    async append(payloads: readonly Bytes[]): Promise<Result<readonly Appended[], LedgerFault>> {
      await Promise.resolve();
      if (++appends >= failAppend) return fail({ code: "ledger/disk-full", where: "", detail: "" });
      const appended = payloads.map((payload) => {
        const event = readPayload(payload);
        entries.push(...stepsOf(event));
        return { index: log.push(event) - 1, checkpoint: "" };
      });
      steps.push("append");
      return ok(appended);
    },
    publish: () => Promise.resolve(ok("")),
    close: () => Promise.resolve(ok("")),
  };
  const engine: Engine = {
    name: "fake",
    version: "fake/1",
    isolation: ["none"],
    run(job) {
      steps.push("run");
      jobs.push(job);
      const usage = { wallMs: 1, memoryBytes: 0, fuel: 1, outputBytes: 0, hostCalls: 0 };
      const empty = new Uint8Array();
      return Promise.resolve({
        exitCode: 0,
        fault: undefined,
        results: [],
        stdout: empty,
        stderr: empty,
        usage,
        deniedPaths: [],
        ...reportOf(jobs.length - 1),
      });
    },
    close: () => Promise.resolve(),
  };
  let nowMs = Date.parse("2026-06-01T00:00:00Z");
  let draws = 0;
  const files: Record<string, string> = { "_default.json": "{}" };
  const version = { number: 1, digest: "11".repeat(32) as Digest };
  const pipeline = new Pipeline({
    clock: () => nowMs++,
    random: (length) => createHash("sha512").update(String(draws++)).digest().subarray(0, length),
    crypto: { sha256, verifyEd25519 },
    recorder: new Recorder({ ledger, rows, sha256 }, 0),
    rows,
    blobs: { put: () => undefined, get: () => undefined },
    store: STORE,
    trustStore: "00".repeat(32) as Digest,
    policies: new PolicyShelf({ version, files }, sha256),
    policyEngine: undefined,
    moduleBytesMax: 1024,
    origin: "test.example/log",
    engine,
    backend: "wasm",
    isolation: engine.isolation,
  });
  return { pipeline, steps, log, entries, jobs, rows, files };
}

export function sourceOf(files: Partial<ModuleFiles> = {}, tenant = "hello"): ModuleSource {
  return {
    tenant,
    path: `modules/${tenant}`,
    read: () => ({ ...GOOD, ...files }),
    captureMounts: () => ok([]),
    hasSandbox: () => false,
    sizeHint: () => 0,
  };
}

test("the module of these tests runs, with nothing against it", async () => {
  const record = await makeRig().pipeline.process(sourceOf(), REQUEST);
  assert.ok(record.ok);
  assert.deepEqual([record.value.status, record.value.reasons], ["ran", []]);
});
