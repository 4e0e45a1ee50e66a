import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { assemble, GREETER, type RunSaid, type Spoken, Workspace } from "./workspace.ts";

/** What `inbox approve --json` says. */
export type Approved = {
  readonly id: string;
  readonly counts: boolean;
  readonly satisfied: boolean;
  readonly missing: string;
  readonly finding: { readonly code: string } | null;
};

/** What `approvals history --json` says. */
export type History = {
  readonly history: readonly {
    readonly what: string;
    readonly by: string;
    readonly why: string | null;
    readonly comment: string;
    readonly candidates: readonly string[] | null;
  }[];
  readonly candidates: readonly { readonly person: string; readonly excluded?: string; readonly approved: boolean }[];
};

/** What `inbox show --json` says, as far as the tests look at it. */
export type Shown = {
  readonly state: string;
  readonly difference: {
    readonly imports: { readonly added: readonly string[] };
    readonly functions: { readonly added: readonly string[]; readonly changed: readonly string[]; readonly unchanged: number };
    readonly sections: readonly string[];
  };
  readonly asked: { readonly capabilities: readonly string[] };
  readonly baseline: { readonly capabilities: readonly string[]; readonly person: string } | null;
  readonly observed: { readonly runs: number; readonly most: { readonly fuel: number } } | null;
  readonly candidates: readonly { readonly person: string; readonly excluded?: string }[];
};

export const TENANT = "tenant-agent-greet";
// By name, and not for all tenants: who may approve for `*` approves policies too, and then nobody changes them alone.
const TENANTS = ["--tenant", TENANT, "--tenant", "tenant-agent-other"];
export const FOLDER: string = join("modules", TENANT);

/** A workspace with an agent's inbox: alice signs, and persons approve with keys of their own. */
export class InboxWorkspace extends Workspace {
  static start(context: TestContext): InboxWorkspace {
    const workspace = new InboxWorkspace(Workspace.make(context).root);
    workspace.addKey("alice", "signer");
    workspace.addKey("bob", "approver");
    return workspace;
  }

  /** A key file for a person, trusted in a role. */
  addKey(name: string, role: string, ...more: readonly string[]): void {
    this.expect(0, "generate-keys", "--out-dir", "keys", "--name", name);
    this.expect(0, "trust", "add", `keys/maintainers/${name}.pub`, "--role", role, ...TENANTS, ...more);
  }

  /** An agent hands in a file, and it is taken in. */
  submit(content: Uint8Array | string = GREETER, name = "greet.wasm"): Spoken {
    const pending = join(this.root, "inbox", "agent", "pending");
    mkdirSync(pending, { recursive: true });
    writeFileSync(join(pending, name), typeof content === "string" ? assemble(content) : content);
    return this.nightcore("inbox", "sweep");
  }

  sign(): void {
    this.expect(0, "sign", "--dir", FOLDER, "--key", "keys/maintainers/alice.key");
  }

  approve(who: string, ...more: readonly string[]): Approved & { readonly exit: number | null } {
    return this.json<Approved>(
      "inbox",
      "approve",
      TENANT,
      "--key",
      `keys/maintainers/${who}.key`,
      "--comment",
      "read it",
      ...more,
    );
  }

  /** The codes that a run is refused with; none when it ran. */
  codes(...more: readonly string[]): readonly string[] {
    return this.runOf(TENANT, ...more).reasons.map(({ code }) => code);
  }

  /** The same under a clock that is so many days off. */
  codesAfter(days: number): readonly string[] {
    const { stdout } = this.nightcoreWith(offBy(days), "run", TENANT, "--json");
    const { runs } = JSON.parse(stdout) as { readonly runs: readonly RunSaid[] };
    return runs.flatMap(({ reasons }) => reasons.map(({ code }) => code));
  }

  incidents(): readonly string[] {
    const { stdout } = this.nightcore("ledger", "find", "--kind", "incident");
    return [...stdout.matchAll(/guardian\/[a-z-]+/g)].map(([code]) => code);
  }
}

/** The environment of a command whose clock is so many days off. */
export function offBy(days: number): Readonly<Record<string, string>> {
  const late = `const now = Date.now; Date.now = () => now() + ${days * 86_400_000};`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(late)}` };
}
