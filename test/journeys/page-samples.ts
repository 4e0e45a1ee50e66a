import type { HistoryEntry, HistoryReport, LogView, RunReport, RunRow } from "../../packages/nightcore/src/report/index.ts";

/** Names that somebody would choose to break a page with. */
export const HOSTILE_NAMES: readonly string[] = [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  "' onmouseover='alert(1)",
  "</table></main><h1>all clear</h1>",
  "</style></script><!--",
  "&lt;b&gt; &amp; ${7*7} {{7*7}}",
  "safe\u202egpj.exe\u2066\u2069",
  "nul\u0000 bell\u0007 line\u2028end\u001b[31m",
  "x".repeat(300),
  "\ud800 lone",
];

const LOG: LogView = {
  origin: "example.org/night-core/7d2f",
  size: 4211,
  rootHash: "qnnL2S1mT0WxfWzB1jvKlHNbhzeEwBYQFJwYQ0ZrdwE=",
  checkpointAt: "2026-02-03T10:11:13.120Z",
  verifierKey: "example.org/night-core/7d2f+1b2c3d4e+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh",
};

const DIGEST = "540abd3c9046ef5c6c55463cb77aea2fb13a398e46ffdcf6b91b64c976141291";
const BUDGETS = { wallMs: 2000, memoryBytes: 1024 * 1024, fuel: 100_000, outputBytes: 64 * 1024 };

const BASE: RunRow = {
  tenant: "hello",
  status: "ran",
  verdict: "allow",
  findings: [],
  reasons: [],
  digest: DIGEST,
  sizeBytes: 975,
  signer: { keyId: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", role: "maintainer" },
  capabilities: ["stdout"],
  granted: BUDGETS,
  used: { wallMs: 0.84, memoryBytes: 65_536, fuel: 1268, outputBytes: 56, hostCalls: 1 },
  exitCode: 0,
  results: [],
  output: "hello from a tenant that is signed, allowed and metered\n",
  engine: "v8 14.6 (night core meter 1)",
  isolation: ["process", "bubblewrap", "seccomp", "no network", "empty root"],
  run: "01932f0c-7b1a-7c3e-9a4b-0123456789ab",
  durationMs: 12.4,
  logIndexes: [4190, 4191, 4192, 4195],
};

const refused = (tenant: string, status: RunRow["status"], code: string, message: string, hint?: string): RunRow => ({
  ...BASE,
  tenant,
  status,
  verdict: status === "held" ? "hold" : status === "quarantined" ? "quarantine" : "deny",
  findings: [],
  reasons: [hint === undefined ? { code, message } : { code, message, hint }],
  granted: undefined,
  used: undefined,
  exitCode: undefined,
  output: undefined,
  durationMs: 1.7,
  logIndexes: [4200, 4201],
});

const stopped = (tenant: string, code: string, message: string, used: Partial<NonNullable<RunRow["used"]>>): RunRow => ({
  ...BASE,
  tenant,
  status: "failed",
  findings: [],
  reasons: [{ code, message, hint: "raise the budget in the manifest and sign again, if it needs more" }],
  used: { wallMs: 3.1, memoryBytes: 65_536, fuel: 100_000, outputBytes: 0, hostCalls: 0, ...used },
  exitCode: undefined,
  output: "",
  durationMs: 15,
});

const ROWS: readonly RunRow[] = [
  BASE,
  {
    ...BASE,
    tenant: "wordcount",
    capabilities: ["stdout", "fs:read"],
    used: { wallMs: 2.31, memoryBytes: 131_072, fuel: 48_210, outputBytes: 84, hostCalls: 12 },
    output: "2 lines 8 words 55 bytes gatekeeper.txt\n4 lines 19 words 106 bytes ledger.txt\n",
  },
  {
    ...BASE,
    tenant: "primes",
    used: { ...BUDGETS, wallMs: 6.4, fuel: 91_700, memoryBytes: 65_536, outputBytes: 5, hostCalls: 1 },
  },
  {
    ...BASE,
    tenant: "checksum",
    results: ["1696784233"],
    output: "",
    used: { wallMs: 0.31, memoryBytes: 0, fuel: 840, outputBytes: 0, hostCalls: 0 },
  },
  stopped("endless", "engine/fuel-exhausted", "the guest used up its fuel", { wallMs: 41 }),
  stopped("sleeper", "engine/deadline", "the guest did not finish in time and was killed", {
    wallMs: 2003,
    fuel: 0,
    memoryBytes: 0,
  }),
  stopped("flood", "engine/output-exceeded", "the guest wrote more than its output budget", {
    fuel: 310,
    outputBytes: 64 * 1024,
    hostCalls: 17,
  }),
  refused(
    "native",
    "denied",
    "trust/not-wasm-elf",
    "the module is an ELF object, which is native code",
    "compile it to WebAssembly",
  ),
  refused(
    "no-entry",
    "denied",
    "guardian/no-entry",
    "the module exports no function `_start`, so there is nothing to run",
    "name an exported function with `--entry NAME`, or in the manifest",
  ),
  refused(
    "demanding",
    "denied",
    "guardian/budget-over-limit",
    "the manifest asks for 9,000,000,000,000,000 fuel, and this tenant may have 10,000,000,000",
  ),
  refused(
    "agent-draft",
    "held",
    "guardian/approval-missing",
    "an agent wrote this module, and no person has approved it",
    "a person with the role approver runs `nightcore approve agent-draft`",
  ),
  {
    ...refused(
      "yesterday",
      "quarantined",
      "guardian/quarantined",
      "these bytes are in quarantine since 2026-02-01: `exfiltrates`",
    ),
    findings: [],
    reasons: [
      { code: "guardian/quarantined", message: "these bytes are in quarantine since 2026-02-01: `exfiltrates`" },
      { code: "trust/key-revoked", message: "the key 9f86d081… was revoked on 2026-02-01: `laptop stolen`" },
    ],
  },
];

/** A run with one tenant of each kind. */
export const SAMPLE_RUN: RunReport = {
  startedAt: "2026-02-03T10:11:12.000Z",
  mode: "run",
  totalMs: 2214,
  parallel: 2,
  rows: ROWS,
  log: LOG,
};

/** A run in which everything that is foreign text is hostile. */
export const HOSTILE_RUN: RunReport = {
  ...SAMPLE_RUN,
  rows: HOSTILE_NAMES.map((name, at) => ({
    ...(ROWS[at % ROWS.length] ?? BASE),
    tenant: name,
    findings: [],
    reasons: [{ code: name, message: name, hint: name }],
    digest: name,
    signer: { keyId: name, role: name },
    capabilities: [name],
    results: [name],
    output: `${name}\n${name}`,
    engine: name,
    isolation: [name],
    run: name,
  })),
  log: {
    ...LOG,
    origin: HOSTILE_NAMES[0] ?? "",
    rootHash: HOSTILE_NAMES[1] ?? "",
    verifierKey: HOSTILE_NAMES[2] ?? "",
    checkpointAt: HOSTILE_NAMES[1] ?? "",
  },
};

const OTHER_DIGEST = "b1946ac92492d2347c6235b4d2611184f1d4e6b0c3e1a2b3c4d5e6f708192a3b";

const HISTORY: readonly HistoryEntry[] = [
  {
    kind: "imported",
    at: "2025-11-07T13:38:23.951Z",
    source: "logs/tenantA-hello_proof_history.json",
    claim: "ok",
    digest: DIGEST,
    sizeBytes: 975,
    wallMs: 165.9,
    verified: true,
  },
  {
    kind: "imported",
    at: "2025-11-07T14:02:00.000Z",
    source: "logs/tenantA-hello_proof_history.json",
    claim: "ok",
    digest: DIGEST,
    sizeBytes: 975,
    wallMs: undefined,
    verified: false,
  },
  ...Array.from({ length: 14 }, (_, at): HistoryEntry => ({
    kind: "witnessed",
    at: `2026-02-${String(at + 1).padStart(2, "0")}T10:11:12.000Z`,
    run: `01932f0c-7b1a-7c3e-9a4b-0123456789${String(at).padStart(2, "0")}`,
    status: at === 6 ? "denied" : at === 9 ? "failed" : "ran",
    digest: at < 7 ? DIGEST : OTHER_DIGEST,
    sizeBytes: at < 7 ? 975 : 2103,
    wallMs: at === 6 ? undefined : 20 + 15 * Math.sin(at) + at,
    verified: at !== 6,
    logIndexes: [at * 4, at * 4 + 1, at * 4 + 2],
  })),
];

/** A history with imported claims, a change of bytes and a change of verification. */
export const SAMPLE_HISTORY: HistoryReport = {
  createdAt: "2026-02-15T08:00:00.000Z",
  tenants: [
    { tenant: "tenantA-hello", entries: HISTORY },
    { tenant: "primes", entries: HISTORY.slice(-3) },
    { tenant: "once", entries: HISTORY.slice(-1) },
  ],
  log: LOG,
};

/** The same with hostile names, sources and claims. */
export const HOSTILE_HISTORY: HistoryReport = {
  ...SAMPLE_HISTORY,
  tenants: HOSTILE_NAMES.map((tenant) => ({
    tenant,
    entries: HISTORY.slice(0, 3).map((entry) =>
      entry.kind === "imported"
        ? { ...entry, claim: tenant, source: tenant, digest: tenant, at: tenant }
        : { ...entry, run: tenant },
    ),
  })),
};
