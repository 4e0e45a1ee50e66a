import { resolve } from "node:path";
import { layOut } from "#store/workspace";
import { EXIT, type Invocation } from "./invocation.ts";
import { bundleFiles, readPolicyFiles, unwrapBundle } from "./policy-store.ts";
import { openView } from "./session.ts";
import { describeBundle, filesInForce } from "./policy-words.ts";

/** Checks files as `propose` would. A single file is checked over the version in force, as it would be enforced. */
export async function run(invocation: Invocation): Promise<number> {
  const { root, terminal, json, positionals } = invocation;
  const path = positionals[0] === undefined ? layOut(root).policies : resolve(root, positionals[0]);
  const view = await openView(invocation);
  let base: Readonly<Record<string, string>>;
  try {
    base = filesInForce(view);
  } finally {
    view.close();
  }
  const bundle = unwrapBundle(invocation, bundleFiles(readPolicyFiles(path, base)));
  if (json) terminal.print(JSON.stringify({ files: Object.keys(bundle.files), policies: bundle.policies }));
  terminal.say(`${describeBundle(bundle)}, and no problems`);
  return EXIT.ok;
}
