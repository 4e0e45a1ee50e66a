import type { Clock, Crypto, Digest } from "#core";
import { decide, type Decision, type Facts, type PolicyEngine } from "#guardian";
import type { ModuleSource, Mount } from "#ports";
import type { Rows } from "#state";
import type { TrustStore } from "#trust";
import type { ApprovalAuthority } from "./approvals.ts";
import { gatherFacts } from "./facts.ts";
import { inputDigests } from "./input-digest.ts";
import { type Inspection, inspectModule, type RecentExaminations } from "./inspection.ts";
import type { PolicyShelf } from "./policy-shelf.ts";
import type { RunRequest } from "./run-record.ts";
import { decideUnder, type Deciding } from "./what-if.ts";

/** What judging works with: nothing here can execute or record. */
export type JudgingPowers = {
  /** The time that decisions and entries go by. */
  readonly clock: Clock;
  /** What the machine's clock says, where that may be another time: under one that went back, approvals do not count. */
  readonly machineClock?: Clock;
  readonly crypto: Crypto;
  readonly rows: Rows;
  readonly store: TrustStore;
  readonly trustStore: Digest;
  readonly policies: PolicyShelf;
  /** Undefined only where nothing is in force, and so everything is denied. */
  readonly policyEngine: PolicyEngine | undefined;
  /** A version that is tried: it decides beside the one in force, and nothing follows from it. */
  readonly trial?: Deciding | undefined;
  readonly moduleBytesMax: number;
  /** Absent where modules are judged once. */
  readonly recent?: RecentExaminations | undefined;
  /** The name of the log: approvals are made for one. */
  readonly origin: string;
  readonly backend: string;
  readonly isolation: readonly string[];
  /** Absent where roles alone say who may approve. */
  readonly authority?: ApprovalAuthority | undefined;
};

/** What was found out about a module at one moment, and what follows from it. */
export type Judgement = {
  readonly atMs: number;
  readonly inspection: Inspection;
  readonly facts: Facts;
  /** What `fs:read` shows, as it was when the facts were gathered. */
  readonly mounts: readonly Mount[];
  readonly decision: Decision;
  /** What the version that is tried would have decided. */
  readonly trial: Decision | undefined;
};

/** Admits, verifies, gathers the facts and decides, on one reading of the bytes. Executes nothing and records nothing. */
export function judgeModule(source: ModuleSource, request: RunRequest, powers: JudgingPowers): Judgement {
  const { clock, machineClock = clock, policies, policyEngine, trial, ...around } = powers;
  const { crypto, store, moduleBytesMax, recent } = around;
  const nowMs = clock();
  const { tenant } = source;
  const inspection = inspectModule(source.read(), { tenant, nowMs }, { crypto, store, moduleBytesMax, recent });
  const captured = showsFolder(inspection, request) ? source.captureMounts() : undefined;
  const policy = { policy: policies.policyOf(tenant), policyVersion: policies.version };
  const inputs = inputDigests({ stdin: request.stdin, captured }, around.rows, crypto.sha256);
  const facts = gatherFacts(inspection, request, {
    ...around,
    ...policy,
    tenant,
    nowMs,
    machineMs: machineClock(),
    captured,
    inputs,
  });
  const mounts = captured?.ok === true ? captured.value : [];
  const decision = decide(facts, policyEngine);
  return { atMs: nowMs, inspection, facts, mounts, decision, trial: trial && decideUnder(facts, trial) };
}

// Whoever does not ask for the folder does not make us read it; a proof executes nothing and shows nothing.
function showsFolder({ manifest, verified }: Inspection, { mode, operatorGrants }: RunRequest): boolean {
  if (mode === "proof" || verified === undefined) return false;
  return operatorGrants.includes("fs:read") || manifest?.capabilities.includes("fs:read") === true;
}
