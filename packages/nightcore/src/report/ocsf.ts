import { type JsonObject, parseTime } from "#core";
import type { DecisionEvent, Event, IntentEvent, OutcomeEvent } from "#state";

/** The version of the Open Cybersecurity Schema Framework whose classes and identifiers are used here. */
export const OCSF_VERSION = "1.3.0";

/** An entry of a log as the export knows it. */
export type LoggedEvent = {
  readonly index: number;
  /** SHA-256 of the leaf, in hexadecimal. */
  readonly leaf: string;
  readonly origin: string;
  readonly software: string;
  readonly event: Event;
  /** The event is one of several that its entry holds. */
  readonly isStep?: boolean;
};

type Class = { readonly categoryUid: number; readonly classUid: number; readonly activityId: number; readonly activity?: string };

const PROCESS = { categoryUid: 1, classUid: 1007 } as const;
const EVENT_LOG = { categoryUid: 1, classUid: 1008 } as const;
const COMPLIANCE_FINDING = { categoryUid: 2, classUid: 2003 } as const;
const DETECTION_FINDING = { categoryUid: 2, classUid: 2004 } as const;
const ENTITY_MANAGEMENT = { categoryUid: 3, classUid: 3004 } as const;

const SEVERITY = { informational: 1, medium: 3, high: 4 } as const;

/**
 * One entry as an OCSF event. A decision is a process launch that a control allowed or denied, an intent the launch, an
 * outcome the termination; admission and verification are compliance findings, a change of trust manages an entity, a
 * quarantine and an assessment are detections, and what concerns the log itself is event log activity. `unmapped` holds the
 * whole entry.
 */
export function renderOcsf(logged: LoggedEvent): JsonObject {
  const { event } = logged;
  switch (event.kind) {
    case "decision":
      return { ...base(logged, { ...PROCESS, activityId: 1 }), ...decisionParts(event) };
    case "intent":
      return { ...base(logged, { ...PROCESS, activityId: 1 }), ...success, ...processParts(event, event.entry) };
    case "outcome":
      return { ...base(logged, { ...PROCESS, activityId: 2 }), ...outcomeParts(event) };
    case "admission":
      return { ...base(logged, { ...COMPLIANCE_FINDING, activityId: 1 }), ...checkParts(event, "admission", event.admitted) };
    case "verification":
      return { ...base(logged, { ...COMPLIANCE_FINDING, activityId: 1 }), ...checkParts(event, "signature", event.trusted) };
    case "trust": {
      const entity = { name: event.change, type: "trusted key", uid: event.store };
      const activityId = event.change === "key-trusted" ? 1 : 4;
      return { ...base(logged, { ...ENTITY_MANAGEMENT, activityId }), ...success, entity };
    }
    case "quarantine":
      return {
        ...base(logged, { ...DETECTION_FINDING, activityId: 1 }),
        severity_id: SEVERITY.high,
        status_id: 1,
        finding_info: { title: `quarantined: ${event.reason}`, uid: event.digest },
        disposition_id: 3,
        action_id: 2,
      };
    case "assessment":
      return {
        ...base(logged, { ...DETECTION_FINDING, activityId: 1 }),
        severity_id: event.contain === null ? SEVERITY.medium : SEVERITY.high,
        status_id: 1,
        finding_info: { title: event.findings[0]?.message ?? "an unusual run", uid: event.run },
        ...(event.contain === null ? {} : { disposition_id: 3, action_id: 2 }),
      };
    case "block":
      return {
        ...base(logged, { ...DETECTION_FINDING, activityId: 1 }),
        severity_id: SEVERITY.high,
        status_id: 1,
        finding_info: { title: `blocked (${event.cause}): ${event.reason}`, uid: `${logged.index}` },
        disposition_id: 3,
        action_id: 2,
      };
    case "release": {
      const refused = event.state === "refused";
      const activityId = event.state === "released" ? 3 : 2;
      return {
        ...base(logged, { ...DETECTION_FINDING, activityId }),
        severity_id: refused ? SEVERITY.medium : SEVERITY.informational,
        status_id: refused ? 2 : 1,
        finding_info: { title: `release ${event.state}: ${event.blocks.join(", ")}`, uid: `${event.entry}` },
      };
    }
    case "incident":
      return {
        ...base(logged, { ...DETECTION_FINDING, activityId: 1 }),
        severity_id: SEVERITY.high,
        status_id: 1,
        finding_info: { title: event.message, uid: event.code },
      };
    default: {
      const clears = event.kind === "deletion";
      const activity = clears ? { activityId: 2 } : { activityId: 99, activity: event.kind };
      return { ...base(logged, { ...EVENT_LOG, ...activity }), ...success, log_name: logged.origin };
    }
  }
}

const success = { severity_id: SEVERITY.informational, status_id: 1 } as const;

function base({ index, leaf, origin, software, event, isStep }: LoggedEvent, to: Class): JsonObject {
  const { classUid, categoryUid, activityId } = to;
  const { kind, ...said } = event;
  return {
    class_uid: classUid,
    category_uid: categoryUid,
    activity_id: activityId,
    ...(to.activity === undefined ? {} : { activity_name: to.activity }),
    type_uid: classUid * 100 + activityId,
    time: parseTime(event.at) ?? 0,
    metadata: {
      version: OCSF_VERSION,
      product: { name: "Night Core", vendor_name: "Night Core", version: software },
      log_name: origin,
      // The leaf names the entry whatever happens to the index; both together find it in the log.
      uid: isStep === true ? `${leaf}/${kind}` : leaf,
      sequence: index,
      event_code: kind,
      ...("run" in event ? { correlation_uid: event.run } : {}),
      profiles: ["security_control"],
    },
    unmapped: { nightcore: said as unknown as JsonObject },
  };
}

// 2 Blocked, 3 Quarantined, 14 Delayed: it waits for a person.
const DISPOSITIONS = { allow: 1, deny: 2, quarantine: 3, hold: 14 } as const;

function decisionParts(event: DecisionEvent): JsonObject {
  const allowed = event.verdict === "allow";
  const [reason] = event.reasons;
  return {
    severity_id: allowed ? SEVERITY.informational : event.verdict === "quarantine" ? SEVERITY.high : SEVERITY.medium,
    status_id: allowed ? 1 : 2,
    ...(reason === undefined ? {} : { status_code: reason.code, status_detail: reason.message }),
    action_id: allowed ? 1 : 2,
    disposition_id: DISPOSITIONS[event.verdict],
    is_alert: event.verdict === "quarantine",
    ...processParts(event, "module.wasm"),
  };
}

function outcomeParts(event: OutcomeEvent): JsonObject {
  const ran = event.status === "ran";
  return {
    severity_id: ran ? SEVERITY.informational : SEVERITY.medium,
    status_id: ran ? 1 : 2,
    ...(event.exitCode === null ? {} : { exit_code: event.exitCode }),
    ...(event.fault === null ? {} : { status_code: event.fault.code, status_detail: event.fault.message }),
    ...processParts(event, "module.wasm"),
  };
}

/** The guest as a process of its tenant; the sandbox is on this host, whose log names it. */
function processParts(event: DecisionEvent | IntentEvent | OutcomeEvent, name: string): JsonObject {
  const hashes = event.digest === null ? [] : [{ algorithm_id: 3, value: event.digest }];
  return {
    process: {
      name,
      uid: event.run,
      file: { name: "module.wasm", type_id: 1, hashes },
      user: { name: event.tenant, type_id: 0 },
    },
    actor: { app_name: "nightcore", user: { name: event.tenant, type_id: 0 } },
    device: { type_id: 0, name: "nightcore" },
  };
}

function checkParts(
  event: Event & { readonly kind: "admission" | "verification" },
  control: string,
  passed: boolean,
): JsonObject {
  const { finding, digest, tenant, run } = event;
  return {
    severity_id: passed ? SEVERITY.informational : SEVERITY.medium,
    status_id: passed ? 1 : 2,
    ...(finding === null ? {} : { status_code: finding.code, status_detail: finding.message }),
    finding_info: { title: `${control} of ${tenant}`, uid: run },
    compliance: { control, standards: ["Night Core"], status_id: passed ? 1 : 3 },
    resources: [{ name: `${tenant}/module.wasm`, type: "WebAssembly module", ...(digest === null ? {} : { uid: digest }) }],
  };
}
