import { join, relative } from "node:path";
import { encodeTime } from "#core";
import { renderHistory } from "#report";
import { replaceFile } from "#store/workspace";
import { readHistories } from "./history.ts";
import { EXIT, type Invocation } from "./invocation.ts";
import { viewLog } from "./run-report.ts";
import { crypto, logKeyOf, openView } from "./session.ts";
import { readPublishedCheckpoint } from "./published.ts";

/** Writes the history page. `--diff` is v39's flag; the page marks changes either way, since nothing is gained by hiding them. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, root } = invocation;
  const view = await openView(invocation);
  const log = viewLog(readPublishedCheckpoint(view.layout), logKeyOf(view));
  const tenants = readHistories(view.rows);
  view.close();
  const path = join(view.layout.logs, "nightcore_history_dashboard.html");
  replaceFile(path, renderHistory({ createdAt: encodeTime(Date.now()), tenants, log }, crypto.sha256));
  const shown = relative(root, path);
  if (json) terminal.print(JSON.stringify({ file: shown, tenants: tenants.length }));
  terminal.say(shown);
  return EXIT.ok;
}
