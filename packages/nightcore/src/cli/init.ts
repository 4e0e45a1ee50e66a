import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { encodeHex, encodeTime, quote } from "#core";
import { DEFAULT_POLICIES } from "#cedar";
import { BASE_APPROVALS, BASE_ASSESSMENT, BASE_POLICY, explainPolicyFault, type PolicyBundle } from "#guardian";
import { explainLedgerFault } from "#ports";
import { explainKeyFileFault, random, writeKeyPair, writeMlDsaKeyPair } from "#store/keys";
import { encodeConfiguration, layOut, replaceFile } from "#store/workspace";
import { TrustStore } from "#trust";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { logKeysOf } from "./ledger-vkey.ts";
import { bundleFiles, keepVersion, readPolicyFiles } from "./policy-store.ts";
import { readPredecessor } from "./predecessor.ts";
import { logKeyOf, openSession, type Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";
import { SOFTWARE } from "./version.ts";

/** The policy that a new workspace starts with: the base policy with every member shown. */
const DEFAULT_POLICY = {
  tenant: "_default",
  allowed_backends: BASE_POLICY.backends,
  allow_proof_mode: BASE_POLICY.allowProofMode,
  require_manifest: BASE_POLICY.requireManifest,
  require_signature: true,
  require_signed_manifest: BASE_POLICY.requireSignedManifest,
  require_isolation: BASE_POLICY.requireIsolation,
  capabilities: BASE_POLICY.capabilities,
  max_exec_ms: BASE_POLICY.limits.wallMs,
  max_memory_mb: BASE_POLICY.limits.memoryBytes / (1024 * 1024),
  max_fuel: BASE_POLICY.limits.fuel,
  max_output_kb: BASE_POLICY.limits.outputBytes / 1024,
  on_excess: BASE_POLICY.onExcess,
  policy_approvals: BASE_POLICY.policyApprovals,
  release_approvals: BASE_POLICY.releaseApprovals,
  canaries: BASE_POLICY.canaries,
  approvals: {
    require: BASE_APPROVALS.require,
    expires_days_max: BASE_APPROVALS.expiresDaysMax,
    break_glass: {
      roles: BASE_APPROVALS.breakGlass.roles,
      minutes_max: BASE_APPROVALS.breakGlass.minutesMax,
      review_hours: BASE_APPROVALS.breakGlass.reviewHours,
    },
  },
  assessment: {
    runs_min: BASE_ASSESSMENT.runsMin,
    times: BASE_ASSESSMENT.times,
    deviations: BASE_ASSESSMENT.deviations,
    contain: {
      within_hours: BASE_ASSESSMENT.contain.withinHours,
      faults: BASE_ASSESSMENT.contain.faults,
      escapes: BASE_ASSESSMENT.contain.escapes,
      bad_pointers: BASE_ASSESSMENT.contain.badPointers,
      revoke_approvals: BASE_ASSESSMENT.contain.revokeApprovals,
    },
  },
};

/** Makes a workspace where there is none; files that are there already (modules, keys, a policy) stay as they are. */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json } = invocation;
  const layout = layOut(root);
  if (existsSync(layout.config)) {
    throw new CommandStop({
      code: "workspace/exists",
      message: "`nightcore.toml` exists: there is a workspace here",
      exit: EXIT.usage,
    });
  }
  const origin = invocation.text("origin") ?? `nightcore.local/${encodeHex(random(4))}`;
  if (!/^[^\s+\p{Cc}]{1,200}$/u.test(origin) || origin.startsWith("DSSEv1")) {
    throw usageStop(`${quote(origin)} cannot name a log`, "use a name like example.com/firewall, without spaces and `+`");
  }
  const predecessor = await readPredecessor(invocation, origin);
  for (const folder of [layout.modules, layout.policies, layout.trust, layout.logs, layout.own, layout.inbox.pending])
    mkdirSync(folder, { recursive: true });
  // `node.key` may be left from an init that was cut short; it signed nothing yet, and it is as good as a new one.
  const path = layout.nodeKey.replace(/\.key$/, "");
  if (!existsSync(layout.nodeKey)) unwrap(writeKeyPair(path, undefined), explainKeyFileFault);
  const mlDsa44 = invocation.flag("ml-dsa-44");
  if (mlDsa44 && !existsSync(layout.nodeMlDsaKey))
    unwrap(writeMlDsaKeyPair(layout.nodeMlDsaKey.replace(/\.key$/, "")), explainKeyFileFault);
  const policy = join(layout.policies, "_default.json");
  if (!existsSync(policy)) replaceFile(policy, `${JSON.stringify(DEFAULT_POLICY, null, 2)}\n`);
  if (!readdirSync(layout.policies).some((name) => name.endsWith(".cedar")))
    replaceFile(join(layout.policies, "default.cedar"), DEFAULT_POLICIES);
  if (!existsSync(layout.trustStore)) replaceFile(layout.trustStore, TrustStore.empty.encode());
  // The configuration comes last but for the ledger: with it, the folder is a workspace.
  replaceFile(layout.config, encodeConfiguration(origin, { mlDsa44 }));

  const session = await openSession(invocation, { thread: false, create: true });
  const vkey = logKeyOf(session);
  const vkeys = logKeysOf(session);
  const said = { at: encodeTime(Date.now()), origin, logKey: vkey, software: SOFTWARE };
  const event = { kind: "workspace", ...said, ...(predecessor === undefined ? {} : { predecessor }) } as const;
  unwrap(await session.recorder.record([{ about: { name: "workspace", digest: null }, event }]), explainLedgerFault);
  const bundled = bundleFiles(readPolicyFiles(layout.policies));
  // Somebody else's files may be there already. What cannot be put in force denies, and does not keep a workspace from being made.
  if (bundled.ok) await recordFirstVersion(session, bundled.value);
  await session.finish();
  if (json)
    terminal.print(
      JSON.stringify({
        workspace: root,
        origin,
        logKey: vkey,
        mlDsaKey: vkeys.split("\n")[1],
        policyVersion: bundled.ok ? 1 : null,
      }),
    );
  terminal.say(`made a workspace in ${quote(basename(root))}`);
  terminal.say(`log key: ${vkeys.replaceAll("\n", "\n         ")}`);
  if (predecessor !== undefined)
    terminal.say(`its first entry names ${quote(predecessor.origin)} with ${predecessor.size} entries as the log before it`);
  if (!bundled.ok) {
    terminal.say(`${terminal.paint("yellow", "warning")}: ${explainPolicyFault(bundled.fault).message}`);
    terminal.say("no policies are in force, and so everything is denied until `nightcore policy activate` has put some in force");
  }
  const old = findOldLogs(layout.logs);
  if (old.length > 0)
    terminal.say(
      `v39 left ${old.length} reports here; take them in with \`nightcore state import ${old.map((name) => join("logs", name)).join(" ")}\``,
    );
  terminal.say("next: put modules into modules/, make keys (`nightcore generate-keys --out-dir keys`), sign, trust a key, run");
  return EXIT.ok;
}

/** The version that a workspace starts with. There is nobody yet who could approve it, which is what the log then says. */
async function recordFirstVersion({ layout, recorder }: Session, bundle: PolicyBundle): Promise<void> {
  const version = keepVersion(layout, bundle);
  const said = { kind: "policy", at: encodeTime(Date.now()), number: 1, version, comment: "made with the workspace" } as const;
  const about = { name: "policies", digest: version };
  const events = [
    { about, event: { ...said, change: "proposed" } },
    { about, event: { ...said, change: "activated", approvers: [] } },
  ] as const;
  unwrap(await recorder.record(events), explainLedgerFault);
}

/** Reports and histories of v39 directly under `logs/`, which `state import` reads. */
function findOldLogs(logs: string): readonly string[] {
  return readdirSync(logs).filter((name) => name === "orchestration_report.json" || name.endsWith("_proof_history.json"));
}
