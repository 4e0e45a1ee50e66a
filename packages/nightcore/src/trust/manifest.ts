import {
  type Budgets,
  type Bytes,
  type Capability,
  fail,
  isJsonObject,
  type JsonFault,
  type JsonObject,
  ok,
  parseJson,
  type Result,
} from "#core";
import { MemberReader } from "./member-reader.ts";

export const MANIFEST_BYTES_MAX = 64 * 1024; // LIMIT: a manifest is read by people

/** Which of the documented forms a manifest has: our own, or one of Night Core v39's three (docs/formats/manifest.md). */
export type ManifestForm = "nightcore/v1" | "v38" | "readme" | "console";

/** Who wrote the code, as far as the manifest admits. What is not said to be a person's is never taken for one. */
export type Source = "human" | "agent" | "import" | "unspecified";

/** What a module asks for. A request, not a grant: the tenant's policy cuts it down or refuses it. */
export type Manifest = {
  readonly form: ManifestForm;
  readonly name: string | undefined;
  readonly tenant: string | undefined;
  readonly version: string | undefined;
  readonly description: string | undefined;
  readonly capabilities: readonly Capability[];
  /** Only what the manifest states; the rest comes from the policy. */
  readonly budgets: Partial<Budgets>;
  readonly entry: string | undefined;
  readonly source: Source;
  /** v39's console wrote its approval in here. It is shown and never believed. */
  readonly claimsApproval: boolean;
};

export type ManifestFault =
  | { readonly code: "trust/manifest-not-json"; readonly json: JsonFault }
  | { readonly code: "trust/manifest-refused"; readonly problems: readonly string[] };

/** Reads a manifest in any of its forms, strictly: an unknown member or permission refuses it, and every problem is listed. */
export function parseManifest(bytes: Bytes): Result<Manifest, ManifestFault> {
  const json = parseJson(bytes, MANIFEST_BYTES_MAX);
  if (!json.ok) return fail({ code: "trust/manifest-not-json", json: json.fault });
  if (!isJsonObject(json.value)) return fail({ code: "trust/manifest-refused", problems: ["the document is not an object"] });
  const members = new MemberReader(json.value);
  const manifest = readForm(members, json.value);
  const problems = members.finish();
  return problems.length > 0 ? fail({ code: "trust/manifest-refused", problems }) : ok(manifest);
}

function readForm(members: MemberReader, object: JsonObject): Manifest {
  if ("format" in object) return readOwnForm(members);
  if ("ingestion" in object || "memory_request_mb" in object || "runtime_request_ms" in object) return readConsoleForm(members);
  if ("maintainer" in object || isJsonObject(object.permissions)) return readReadmeForm(members);
  return readV38Form(members);
}

function readOwnForm(members: MemberReader): Manifest {
  members.literal("format", "nightcore-manifest/v1");
  const budgets = members.object("budgets");
  const manifest: Manifest = {
    form: "nightcore/v1",
    ...readNames(members),
    capabilities: members.capabilities("capabilities", true),
    budgets: {
      ...budgets.budget("wall_ms", "wallMs"),
      ...budgets.budget("memory_bytes", "memoryBytes"),
      ...budgets.budget("fuel", "fuel"),
      ...budgets.budget("output_bytes", "outputBytes"),
    },
    entry: members.text("entry"),
    source: members.choice("source", ["human", "agent", "import", "unspecified"]) ?? "unspecified",
    claimsApproval: false,
  };
  members.adopt(budgets);
  return manifest;
}

/** v37 and v38: `{name, version?, description?, permissions, fuel_limit?, timeout_ms?, max_memory_kb?}`, and our `entry`, `max_output_kb`. */
function readV38Form(members: MemberReader): Manifest {
  return {
    form: "v38",
    ...readNames(members),
    capabilities: members.capabilities("permissions", true),
    budgets: {
      ...members.budget("fuel_limit", "fuel"),
      ...members.budget("timeout_ms", "wallMs"),
      ...members.budget("max_memory_kb", "memoryBytes", 1024),
      ...members.budget("max_output_kb", "outputBytes", 1024),
    },
    entry: members.text("entry"),
    source: "unspecified",
    claimsApproval: false,
  };
}

/** v39's README: `permissions` is an object of two switches. Such a module could always print. */
function readReadmeForm(members: MemberReader): Manifest {
  const maintainer = members.text("maintainer");
  const switches = members.object("permissions");
  if (switches.flag("network") === true) switches.refuse("`permissions.network` cannot be granted: this host offers no sockets");
  const readsFiles = switches.flag("filesystem") === true;
  members.adopt(switches);
  return {
    form: "readme",
    ...readNames(members),
    description: members.text("description") ?? (maintainer === undefined ? undefined : `maintained by ${maintainer}`),
    capabilities: readsFiles ? ["stdout", "fs:read"] : ["stdout"],
    budgets: {},
    entry: undefined,
    source: "unspecified",
    claimsApproval: false,
  };
}

/** v39's console: where the module came from, and an approval that anybody could have written. */
function readConsoleForm(members: MemberReader): Manifest {
  const ingestion = members.object("ingestion");
  const channel = ingestion.choice("channel", ["manual", "automated", "external", "legacy", "unspecified"]);
  const origin = ingestion.choice("source", ["gui", "agent", "legacy", "external-system", "unspecified"]);
  ingestion.text("timestamp");
  members.adopt(ingestion);
  const approved = members.flag("approved") === true;
  for (const member of ["approved_at", "approved_by", "ingested_at"]) members.text(member);
  return {
    form: "console",
    ...readNames(members),
    capabilities: ["stdout"],
    budgets: {
      ...members.budget("runtime_request_ms", "wallMs"),
      ...members.budget("memory_request_mb", "memoryBytes", 1024 * 1024),
    },
    entry: undefined,
    source: sourceOf(channel, origin),
    claimsApproval: approved,
  };
}

// v39's console held back every channel but `manual` until a person approved; `import` is held back here as `agent` is.
function sourceOf(channel: string | undefined, origin: string | undefined): Source {
  if (origin === "agent" || channel === "automated") return "agent";
  if (channel === "manual") return origin === "gui" ? "human" : "unspecified";
  return channel === undefined ? "unspecified" : "import";
}

function readNames(members: MemberReader) {
  return {
    name: members.text("name"),
    tenant: members.text("tenant"),
    version: members.text("version"),
    description: members.text("description"),
  };
}
