import { quote } from "#core";
import type { Event, NewestShown } from "#state";

/** What an entry says, in a line. */
export function describeEvent(event: Event): string {
  switch (event.kind) {
    case "admission":
      return event.admitted ? `admitted ${event.digest}` : `refused: ${event.finding?.message ?? ""}`;
    case "verification":
      return event.trusted ? `signed by the trusted key ${event.keyId}` : `not verified: ${event.finding?.message ?? ""}`;
    case "decision":
      return `${event.verdict}${event.reasons.map(({ code }) => ` ${code}`).join("")} at ${event.at}`;
    case "intent":
      return `to run ${quote(event.entry)} with ${event.capabilities.join(", ") || "no capabilities"}`;
    case "outcome":
      return `${event.status}${event.exitCode === null ? "" : `, exit code ${event.exitCode}`}${event.usage === null ? "" : `, fuel ${event.usage.fuel}`}${event.fault === null ? "" : `: ${event.fault.message}`}`;
    case "trust":
      return `${event.change}; trust store ${event.store}`;
    case "quarantine":
      return `${event.digest}: ${quote(event.reason)}`;
    case "block":
      return `${event.cause}: ${event.targets.map(({ kind, target }) => `${kind} ${quote(target)}`).join(", ")}: ${quote(event.reason)}`;
    case "release":
      return `${event.state} ${event.blocks.join(", ")}${event.finding === null ? "" : `: ${event.finding.message}`}`;
    case "import":
      return `${event.records.length} records of a ${quote(event.form)} from ${quote(event.source)}`;
    case "replay":
      return event.identical ? "identical" : `differs in ${event.divergence?.what ?? "something"}`;
    case "clock":
      return `the clock said ${event.clock}, ${event.behindMs} ms behind the log`;
    case "restoration":
      return `goes on from a backup of ${event.size} entries, the newest by ${event.newest.map(describeShown).join(", ")}`;
    case "pruning":
      return `entries before ${event.minimumIndex} are in the archive ${quote(event.archive)}, by ${quote(event.by.account)}`;
    case "deletion":
      return `${event.blobs.length} blobs deleted under the retention policy`;
    case "assessment":
      return `${event.points} points${event.contain === null ? "" : ", contained"}: ${event.findings.map(({ message }) => message).join("; ")}`;
    case "policy":
      return `version ${event.number} ${event.change}${event.by === undefined ? "" : ` by ${quote(event.by.person)}`}: ${quote(event.comment)}`;
    case "submission":
      return event.finding === null
        ? `${quote(event.file)} from ${quote(event.submitter.account)}, ${event.digest}`
        : `${quote(event.file)} refused: ${event.finding.message}`;
    case "approval":
      return `${event.act} ${event.id} by ${quote(event.person ?? "somebody")}${event.finding === null ? ` until ${event.expires}` : `, which does not count: ${event.finding.message}`}`;
    case "rejection":
      return `${event.digest} by ${quote(event.by.person ?? event.by.account)}: ${quote(event.reason)}`;
    case "withdrawal":
      return `approval ${event.id} taken back by ${quote(event.by.person ?? event.by.account)}: ${quote(event.reason)}`;
    case "review":
      return `break-glass ${event.id} reviewed by ${quote(event.by.person ?? event.by.account)}: ${quote(event.comment)}`;
    case "incident":
      return `${event.code}: ${event.message}`;
    case "acknowledgement":
      return `entries ${event.from} to ${event.to - 1} are ${event.reached} and not ${event.asked} (${event.unreached})`;
    case "workspace":
      return `log ${quote(event.origin)}${event.predecessor === undefined ? "" : `, after ${quote(event.predecessor.origin)} with ${event.predecessor.size} entries`}`;
    case "recovery":
      return `${event.tornBytes} torn bytes cut, ${event.rewrittenFiles.length} files rewritten, ${event.interruptedRuns} interrupted runs closed`;
    default:
      return "";
  }
}

function describeShown(shown: NewestShown): string {
  if (shown.by === "witnesses") return `the witnesses ${shown.names.map((name) => quote(name)).join(", ")}`;
  return shown.by === "checkpoint" ? `the checkpoint in ${quote(shown.from)}` : `the statement ${quote(shown.text)}`;
}
