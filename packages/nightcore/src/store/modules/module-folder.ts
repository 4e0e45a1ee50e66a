import { existsSync, lstatSync, realpathSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { type Bytes, fail, ok, parseTenantName, type Result } from "#core";
import type { ModuleFiles, ModuleSource, SourceFault } from "#ports";
import { readFileBounded } from "./bounded-file.ts";
import { describeNote } from "./isolation.ts";
import { captureFolder } from "./mount-capture.ts";

const EVIDENCE_BYTES_MAX = 128 * 1024; // LIMIT: twice the largest manifest or envelope; one byte more is read and refused later

/** Opens a tenant's module folder. `folder` is relative to the workspace or absolute; either way it must lie inside. */
export function openModuleFolder(root: string, folder: string, moduleBytesMax: number): Result<ModuleSource, SourceFault> {
  const path = resolve(root, folder);
  const shown = relative(root, path) || ".";
  let real: string;
  let realRoot: string;
  try {
    realRoot = realpathSync.native(root);
    real = realpathSync.native(path);
  } catch {
    return fail({ code: "source/folder-missing", detail: shown });
  }
  // KNOWN: the folder is opened by its path again for each file, so someone who can rename folders in the workspace while a
  // command runs can exchange it in between. What is read is still hashed, verified and recorded as what it is.
  // A link to elsewhere inside the workspace would let one tenant run under another's name; so both must agree.
  if (real !== resolve(realRoot, relative(root, path)) || !(real === realRoot || real.startsWith(realRoot + sep))) {
    return fail({ code: "source/leaves-workspace", detail: shown });
  }
  const tenant = parseTenantName(basename(real));
  if (!tenant.ok) return fail({ code: "source/tenant-name", detail: shown });
  return ok({
    tenant: tenant.value,
    path: shown,
    read: () => readModuleFiles(real, moduleBytesMax),
    captureMounts: () => captureSandbox(real),
    hasSandbox: () => existsSync(join(real, "sandbox")),
    sizeHint: () => Math.min(lstatSync(join(real, "module.wasm"), { throwIfNoEntry: false })?.size ?? 0, moduleBytesMax),
  });
}

function readModuleFiles(folder: string, moduleBytesMax: number): ModuleFiles {
  const evidence = (name: string) => {
    const path = join(folder, name);
    // Most of it is not there, and a failed opening costs four times as much as this.
    if (!existsSync(path)) return undefined;
    const file = readFileBounded(path, EVIDENCE_BYTES_MAX);
    if (!file.ok) return undefined;
    return file.value.size > EVIDENCE_BYTES_MAX ? new Uint8Array(EVIDENCE_BYTES_MAX + 1) : file.value.bytes;
  };
  return {
    wasm: readModule(folder, moduleBytesMax),
    manifest: evidence("manifest.json"),
    signature: evidence("module.sig"),
    envelope: evidence("module.dsse.json"),
    publicKeyHint: evidence("pubkey.b64"),
    digestFile: evidence("module.sha256"),
  };
}

function readModule(folder: string, bytesMax: number): Result<Bytes, SourceFault> {
  const file = readFileBounded(join(folder, "module.wasm"), bytesMax);
  if (!file.ok) {
    const isolated = file.fault === "ENOENT" ? describeNote(folder) : undefined;
    if (isolated !== undefined) return fail({ code: "source/quarantined", detail: isolated });
    if (file.fault === "ENOENT") return fail({ code: "source/module-missing", detail: "" });
    if (file.fault === "ELOOP") return fail({ code: "source/not-a-file", detail: "it is a link" });
    if (file.fault === "not a file") return fail({ code: "source/not-a-file", detail: "" });
    return fail({ code: "source/unreadable", detail: file.fault });
  }
  const { bytes, size } = file.value;
  if (size > bytesMax)
    return fail({ code: "source/module-too-large", detail: `${size} bytes, and at most ${bytesMax} are read` });
  return ok(bytes);
}

function captureSandbox(folder: string) {
  const captured = captureFolder(join(folder, "sandbox"));
  if (!captured.ok) return captured;
  return ok([{ guestPath: "/sandbox", files: captured.value.files, folders: captured.value.folders }]);
}
