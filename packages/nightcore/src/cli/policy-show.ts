import { readPolicyHead } from "#state";
import { CommandStop, EXIT, type Invocation } from "./invocation.ts";
import { describeVersion, escapeLines, findVersion, openVersion } from "./policy-words.ts";
import { openView } from "./session.ts";

/** Prints every file of a version, each under its name: what is enforced, and not what lies in `policies/`. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const view = await openView(invocation);
  try {
    const version = positionals.length > 0 ? findVersion(view.rows, positionals[0]) : readPolicyHead(view.rows, "active");
    if (version === undefined) throw noneInForce();
    const bundle = openVersion(view, version);
    if (json) {
      terminal.print(JSON.stringify({ ...version, files: bundle.files, policies: bundle.policies, compiler: bundle.compiler }));
    } else {
      for (const [name, text] of Object.entries(bundle.files)) {
        terminal.print(`// ${name}\n${escapeLines(text.trimEnd())}\n`);
      }
    }
    terminal.say(describeVersion(version));
    terminal.say(`digest ${version.version}`);
  } finally {
    view.close();
  }
  return EXIT.ok;
}

function noneInForce(): CommandStop {
  const hint = "`nightcore policy activate` puts `policies/` in force";
  return new CommandStop({ code: "guardian/policy-inactive", message: "no policies are in force", hint, exit: EXIT.denied });
}
