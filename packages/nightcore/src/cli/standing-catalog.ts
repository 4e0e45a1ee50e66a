import type { CommandSpec } from "./catalog.ts";

/** What was seen of runs after they ended. */
export const STANDING_COMMANDS: readonly CommandSpec[] = [
  {
    path: ["standing"],
    positional: "[TENANT|SHA256]",
    summary: "the standing risk that earlier runs left, with each finding and what runs use in the middle",
    detail:
      "Without a name, everyone about whom a finding was ever made, the most points first. A point goes with each six hours\nwithout a finding. What counts towards containing a module is shown with the thresholds of the policy in force.\nWith --again, exit 4 when an assessment in the log is not what follows from the log.",
    options: [{ name: "again", summary: "make every assessment again from the log, and say which are not what follows from it" }],
    example: "nightcore standing hello",
    load: () => import("./standing.ts"),
  },
];
