import type { Assessment } from "#core";
import type { RunReason } from "#report";
import type { Terminal } from "./terminal.ts";

// The fault of the run says the same.
const TOLD: ReadonlySet<string> = new Set(["guardian/guest-fault", "guardian/budget-reached", "guardian/decoy-touched"]);

/** What an assessment has to say that the run's own end does not: what was unusual, and that the module is contained. */
export function tellAssessment(assessment: Assessment | undefined): readonly RunReason[] {
  if (assessment === undefined) return [];
  const { findings, contain } = assessment;
  const news = findings.filter(({ code }) => !TOLD.has(code)).map(({ code, message }) => ({ code, message }));
  if (contain === null) return news;
  const ended = contain.revokeApprovals ? ", and what was approved of it for this tenant ends" : "";
  const message = `the module is contained: ${contain.message}; its bytes are blocked${ended}`;
  return [...news, { code: "guardian/contained", message, hint: "`nightcore quarantine list` shows the block" }];
}

/** A line for each, with a colour, since nobody asked for them. */
export function sayAssessment(terminal: Terminal, assessment: Assessment | undefined): void {
  for (const { code, message, hint } of tellAssessment(assessment)) {
    const contained = code === "guardian/contained";
    const word = terminal.paint(contained ? "red" : "yellow", contained ? "contained" : "unusual");
    terminal.say(`            ${word}: ${message} ${terminal.paint("dim", `[${code}]`)}`);
    if (hint !== undefined) terminal.say(`            ${terminal.paint("blue", "hint")}: ${hint}`);
  }
}
