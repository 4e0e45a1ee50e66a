import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Sha256 } from "#core";
import { renderDashboard } from "./dashboard.ts";
import { renderHistory } from "./history-page.ts";
import type { RunReport, RunRow } from "./run-report.ts";

const sha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const LOG = { origin: "o", size: 3, rootHash: "r", checkpointAt: "2026-01-01T00:00:00.000Z", verifierKey: "k" };
const ROW: RunRow = {
  tenant: "hello",
  status: "ran",
  verdict: "allow",
  findings: [],
  reasons: [],
  digest: "0a".repeat(32),
  sizeBytes: 100,
  signer: undefined,
  capabilities: [],
  granted: { wallMs: 1000, memoryBytes: 65_536, fuel: 5000, outputBytes: 1024 },
  used: { wallMs: 1, memoryBytes: 65_536, fuel: 1268, outputBytes: 2, hostCalls: 1 },
  exitCode: 0,
  results: [],
  output: "one\ntwo",
  engine: "v8",
  isolation: ["process"],
  run: "01932f0c-7b1a-7c3e-9a4b-0123456789ab",
  durationMs: 165,
  logIndexes: [1, 2],
};
const REPORT: RunReport = {
  startedAt: "2026-01-01T00:00:00.000Z",
  mode: "run",
  totalMs: 418,
  parallel: 2,
  rows: [ROW],
  log: LOG,
};
const HISTORY = { createdAt: REPORT.startedAt, tenants: [], log: LOG };

test("the policy names exactly the style and the script that are in the page", () => {
  for (const page of [renderDashboard(REPORT, sha256), renderHistory(HISTORY, sha256)]) {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'") ?? "";
    assert(policy.startsWith("default-src 'none'; "));
    for (const element of ["style", "script"]) {
      const bodies = [...page.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, "g"))];
      assert.equal(bodies.length, 1, element);
      const digest = createHash("sha256")
        .update(bodies[0]?.[1] ?? "")
        .digest("base64");
      assert(policy.includes(`${element}-src 'sha256-${digest}'`), element);
    }
    assert(!/unsafe|https?:|\*/.test(policy));
    assert(!/\s(?:style|on[a-z]+)=/.test(page.replaceAll(/<(style|script)>[\s\S]*?<\/\1>/g, "")), "an inline style or handler");
    assert(!/\s(?:src|href)="(?!#)/.test(page), "something that would be loaded");
  }
});

test("what was found about a run is told beside how it ended, and beside why it failed", () => {
  const findings = [{ code: "guardian/contained", message: "the <b>module</b> is contained" }];
  const reasons = [{ code: "engine/trap", message: "the guest trapped" }];
  for (const row of [{ findings }, { findings, reasons, status: "failed" as const }]) {
    const page = renderDashboard({ ...REPORT, rows: [{ ...ROW, ...row }] }, sha256);
    assert(page.includes("the &lt;b&gt;module&lt;/b&gt; is contained"));
    assert(page.includes("guardian/contained"));
    assert.equal(page.includes("the guest trapped"), "reasons" in row);
  }
  assert(!renderDashboard(REPORT, sha256).includes("guardian/contained"));
});

test("the page says each status by its own name, and no other", () => {
  const words = {
    ran: "1 ran",
    failed: "1 failed",
    denied: "1 denied",
    held: "1 held",
    quarantined: "1 quarantined",
    verified: "1 verified only",
    fault: "1 fault",
  };
  for (const [status, sentence] of Object.entries(words)) {
    const page = renderDashboard({ ...REPORT, rows: [{ ...ROW, status: status as RunRow["status"] }] }, sha256);
    assert(page.includes(`<h1>1 tenant: ${sentence}</h1>`), status);
    assert(page.includes(`data-status="${status}"`), status);
  }
});

test("the page carries the command that checks a run, and keeps the lines of its output", () => {
  const page = renderDashboard(REPORT, sha256);
  assert(
    page.includes(`nightcore receipt show ${ROW.run ?? ""} &gt; r.json &amp;&amp; nightcore receipt verify r.json --log-key k`),
  );
  assert(page.includes(`<pre class="output">one\ntwo</pre>`));
});

test("a run of nothing is a page too", () => {
  assert(renderDashboard({ ...REPORT, rows: [] }, sha256).includes("<h1>0 tenants</h1>"));
  assert(renderHistory(HISTORY, sha256).includes("Nothing has been run or imported yet."));
});

test("a thousand tenants stay one page of a sensible size, with the slowest in the chart", () => {
  const rows = Array.from({ length: 1000 }, (_, at) => ({ ...ROW, tenant: `tenant-${at}` }));
  const page = renderDashboard({ ...REPORT, rows }, sha256);
  assert(page.includes("The slowest 25 of 1000 that were let through to the engine"));
  assert(page.length < 6_000_000, String(page.length));
});
