import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { renderReceiptPage } from "#report";
import { sha256 } from "#store/keys";
import { layOut, readIfThere, replaceFile } from "#store/workspace";
import { CommandStop, EXIT, type Invocation } from "./invocation.ts";
import { readLogKey } from "./log-key.ts";
import { readOwnLogKeys } from "./ledger-vkey.ts";

/** Beside the published code, and where a build puts it when the sources run. */
const PLACES = ["./verify-page.js", "../../dist/lib/verify-page.js"] as const;

/** Writes the page that checks receipts; with a key of `--log-key`, or the workspace's own where there is one. */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal } = invocation;
  const given = readLogKey(invocation);
  const own = given === undefined && readIfThere(layOut(root).config) !== undefined ? await readOwnLogKeys(root) : undefined;
  const page = renderReceiptPage({ verifier: readVerifier(), logKey: given ?? own, sha256 });
  const out = invocation.text("out");
  if (out === undefined) terminal.print(page);
  else replaceFile(resolve(root, out), page);
  const key = own === undefined ? "" : "; it proposes this log's own key";
  terminal.say(`a page of ${Math.ceil(page.length / 1024)} KiB that needs no network${key}`);
  return EXIT.ok;
}

function readVerifier(): string {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  for (const place of PLACES) {
    try {
      return readFileSync(join(folder, place), "utf8");
    } catch {
      // The other place, or the sentence below.
    }
  }
  throw new CommandStop({
    code: "cli/page-not-built",
    message: "the verifier for browsers has not been built",
    hint: "run `npm run build` in the repository; the published package has it",
    exit: EXIT.environment,
  });
}
