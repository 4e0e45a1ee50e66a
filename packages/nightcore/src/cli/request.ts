import { existsSync, fstatSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Capability, escapeControls, parseCapability, quote } from "#core";
import { type ModuleSource, explainSourceFault, type SourceFault } from "#ports";
import { openModuleFolder } from "#store/modules";
import { type Layout, listFolders } from "#store/workspace";
import { nameBackend } from "#guardian";
import type { RunRequest } from "#worker";
import { type Invocation, usageStop } from "./invocation.ts";
import { openStandardInput } from "./standard-input.ts";
import { stopOf } from "./unwrap.ts";

/** For commands that work without a workspace's configuration. */
export const MODULE_BYTES_MAX = 64 * 1024 * 1024;

/** The modules that `--all` or a PATH name. Folders that cannot be used become sources that say why, so that the record has them. */
export function selectSources(invocation: Invocation, layout: Layout, moduleBytesMax: number): readonly ModuleSource[] {
  const { positionals, root } = invocation;
  const all = invocation.flag("all");
  const paths = all ? listFolders(layout.modules).map((name) => join("modules", name)) : [locate(root, positionals[0] ?? "")];
  return paths.map((path) => {
    const source = openModuleFolder(root, path, moduleBytesMax);
    if (source.ok) return source.value;
    if (source.fault.code === "source/folder-missing" && !all) throw stopOf(source.fault, explainSourceFault);
    return refusedSource(path, source.fault);
  });
}

/** What a PATH means: `hello` is modules/hello, and a module file is its folder, as v39's users typed it. */
export function locate(root: string, path: string): string {
  if (path === "") throw usageStop("PATH is empty", "use `.` for the workspace's own folder");
  const inModules = join("modules", path);
  if (!path.includes("/") && !existsSync(join(root, path, "module.wasm")) && existsSync(join(root, inModules))) return inModules;
  return path.replace(/\/module\.wasm$/, "");
}

function refusedSource(path: string, fault: SourceFault): ModuleSource {
  const name = path.split("/").findLast((part) => part !== "") ?? path;
  const nothing = {
    manifest: undefined,
    signature: undefined,
    envelope: undefined,
    publicKeyHint: undefined,
    digestFile: undefined,
  };
  return {
    tenant: escapeControls(name).slice(0, 128),
    path: escapeControls(path),
    read: () => ({ wasm: { ok: false, fault }, ...nothing }),
    captureMounts: () => ({ ok: false, fault }),
    hasSandbox: () => false,
    sizeHint: () => 0,
  };
}

/** The backend asked for, by its own name. v39's `wasmtime` is accepted and said to mean `wasm`. */
export function readBackend(invocation: Invocation): string {
  const asked = invocation.text("backend") ?? "wasm";
  const backend = nameBackend(asked);
  if (backend !== "wasm") throw usageStop(`there is no backend ${quote(asked)}`, "only `wasm` is here; microVMs are planned");
  if (asked === "wasmtime") invocation.terminal.say("`wasmtime` is v39's name for the backend `wasm`, which runs on V8 here");
  return backend;
}

function checkTargets(invocation: Invocation): void {
  const { positionals } = invocation;
  if (invocation.flag("all") === positionals.length > 0)
    throw usageStop("either `--all` or one PATH is needed", `see \`nightcore help ${invocation.command.join(" ")}\``);
  if (positionals.length > 1)
    throw usageStop(
      `${quote(positionals[1] ?? "")} is one word too many`,
      "run takes one PATH; arguments for the guest go into `--arg`",
    );
}

const ARGUMENT_BYTES_MAX = 1024 * 1024; // LIMIT: half of what Linux takes; the guest gets them in its memory

/** What the options ask of each run. Malformed ones end the command before anything is read. */
export function readRequest(invocation: Invocation, mode: "run" | "proof"): RunRequest {
  checkTargets(invocation);
  const given = [...invocation.texts("arg"), ...invocation.texts("env")].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (given > ARGUMENT_BYTES_MAX)
    throw usageStop(
      `the arguments and variables have ${given} bytes`,
      `at most ${ARGUMENT_BYTES_MAX} are taken; hand the rest in with --stdin`,
    );
  return {
    mode,
    entry: invocation.text("entry"),
    args: invocation.texts("arg"),
    env: invocation.texts("env").map(checkVariable),
    ...readInput(invocation, mode),
    operatorGrants: invocation.texts("allow").map(readCapability),
  };
}

function readCapability(text: string): Capability {
  const capability = parseCapability(text);
  if (capability === undefined)
    throw usageStop(`there is no capability ${quote(text)}`, "one of stdout, stdin, fs:read, clock:real, random:real, fs:write");
  return capability;
}

function checkVariable(text: string): string {
  if (!/^[^=\0]+=[^\0]*$/.test(text)) throw usageStop(`${quote(text)} is not NAME=VALUE`);
  return text;
}

/** A file is read before anything is decided. Our own input is too, unless it is one that comes and goes, and for one run. */
function readInput(invocation: Invocation, mode: "run" | "proof"): Pick<RunRequest, "stdin" | "input"> {
  const file = invocation.text("stdin");
  const nothing = new Uint8Array();
  if (file === undefined) return { stdin: nothing };
  const one = mode === "run" && !invocation.flag("all") && !invocation.flag("observe");
  try {
    if (file === "-" && one && !fstatSync(0).isFile()) return { stdin: nothing, input: openStandardInput() };
    return { stdin: readFileSync(file === "-" ? 0 : resolve(invocation.root, file)) };
  } catch {
    throw usageStop(`the input ${quote(file)} cannot be read`);
  }
}
