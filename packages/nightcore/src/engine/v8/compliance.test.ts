import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Digest, ok } from "#core";
import { checkEngine, type ComplianceTools, ENGINE_RULES, type OpenEngine } from "#ports";
import { openV8Engine } from "./engine.ts";
import { assemble } from "./fixture.test.ts";

const TOOLS: ComplianceTools = {
  assemble: (text) => assemble(text),
  digest: (bytes) => createHash("sha256").update(bytes).digest("hex") as Digest,
};

test("the engine keeps every promise of `ports`", async () => {
  const found = await checkEngine(openV8Engine, TOOLS);
  assert.equal(found.length, ENGINE_RULES.length + 1);
  assert.deepEqual(
    found.filter(({ problems }) => problems.length > 0),
    [],
  );
});

test("an engine that lies about every ending is noticed by every rule", async () => {
  const lying: OpenEngine = () => {
    const usage = { wallMs: -1, memoryBytes: -1, fuel: 2 ** 40, outputBytes: 0, hostCalls: 0 };
    const nothing = { stdout: new Uint8Array(0), stderr: new Uint8Array(0), deniedPaths: [], results: ["?"] };
    const run = () => Promise.resolve({ ...nothing, exitCode: 77, fault: undefined, usage });
    return Promise.resolve(ok({ name: "liar", version: "0", isolation: [], run, close: () => Promise.resolve() }));
  };
  const found = await checkEngine(lying, TOOLS);
  assert.deepEqual(
    found.filter(({ problems }) => problems.length === 0),
    [],
  );
});
