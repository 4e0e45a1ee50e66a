import { readPolicyFiles } from "./policy-store.ts";
import { EXIT, type Invocation } from "./invocation.ts";
import { diffFiles, filesInForce, findVersion, openVersion, sayDiff } from "./policy-words.ts";
import { openView } from "./session.ts";

/** Shows what an activation would change in the texts: from the older side to the newer one, in unified form. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const view = await openView(invocation);
  try {
    const [one, other] = positionals;
    const before = one === undefined ? filesInForce(view) : openVersion(view, findVersion(view.rows, one)).files;
    const after =
      other === undefined ? readPolicyFiles(view.layout.policies) : openVersion(view, findVersion(view.rows, other)).files;
    const diff = diffFiles(before, after);
    if (json) terminal.print(JSON.stringify({ differs: diff !== "", diff }));
    else if (diff === "") terminal.say("nothing differs");
    else sayDiff(terminal, diff);
  } finally {
    view.close();
  }
  return EXIT.ok;
}
