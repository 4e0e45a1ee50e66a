import { existsSync, lstatSync, realpathSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { type Bytes, fail, ok, parseTenantName, type Result } from "#core";
import type { ModuleFiles, ModuleSource, SourceFault } from "#ports";
import { readFileBounded } from "./bounded-file.ts";
import { type FileStatus, isSameStatus, isSettled, readStatus } from "./file-status.ts";
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
  const files = new ModuleFolder(real, moduleBytesMax);
  return ok({
    tenant: tenant.value,
    path: shown,
    read: () => files.read(),
    captureMounts: () => captureSandbox(real),
    hasSandbox: () => existsSync(join(real, "sandbox")),
    sizeHint: () => Math.min(lstatSync(join(real, "module.wasm"), { throwIfNoEntry: false })?.size ?? 0, moduleBytesMax),
  });
}

/** What was read of a folder, and the status of everything that it follows from: of each file, and of the folder for what is not there. */
type Reading = { readonly files: ModuleFiles; readonly seen: ReadonlyMap<string, FileStatus> };

/**
 * Reads a module's files, and gives the same reading again as long as their status says that nothing was changed: whoever runs a
 * module again and again need not read, hash and verify it again. The bytes that are judged are the bytes that run, either way.
 *
 * KNOWN: what is written through a shared mapping shows when the kernel tells its time, and on a network file system when its client
 * asks; until then the bytes of before are judged and run. A key is revoked in the trust store, never by exchanging files.
 */
class ModuleFolder {
  readonly #folder: string;
  readonly #bytesMax: number;
  /** Weak, so that thousands of modules that have had their turn do not stay in memory. */
  #kept: WeakRef<Reading> | undefined;
  /** Whether somebody has just found that nothing was changed. */
  #looked = false;

  constructor(folder: string, bytesMax: number) {
    this.#folder = folder;
    this.#bytesMax = bytesMax;
  }

  read(): ModuleFiles {
    const kept = this.#kept?.deref();
    if (kept !== undefined && (this.#looked || this.#look(kept))) return kept.files;
    const [nowMs, around] = [Date.now(), readStatus(this.#folder)];
    const seen = new Map<string, FileStatus>(around && [[this.#folder, around]]);
    const files = readModuleFiles(this.#folder, this.#bytesMax, seen);
    const settled = seen.has(this.#folder) && seen.values().every((status) => isSettled(status, nowMs));
    this.#kept = settled && files.wasm.ok ? new WeakRef({ files, seen }) : undefined;
    return files;
  }

  /**
   * Passages that were recorded together go on together, and one looks for all of them: what is due in the microtasks that are queued
   * already is due at the same moment.
   */
  #look(kept: Reading): boolean {
    this.#looked = isUnchanged(kept);
    queueMicrotask(() => (this.#looked = false));
    return this.#looked;
  }
}

function isUnchanged({ seen }: Reading): boolean {
  for (const [path, status] of seen) if (!isSameStatus(status, readStatus(path))) return false;
  return true;
}

function readModuleFiles(folder: string, moduleBytesMax: number, seen: Map<string, FileStatus>): ModuleFiles {
  const evidence = (name: string) => {
    const path = join(folder, name);
    // Most of it is not there, and a failed opening costs four times as much as this.
    if (!existsSync(path)) return undefined;
    const file = readFileBounded(path, EVIDENCE_BYTES_MAX);
    const status = file.ok ? file.value.status : readStatus(path);
    if (status !== undefined) seen.set(path, status);
    if (!file.ok) return undefined;
    return file.value.size > EVIDENCE_BYTES_MAX ? new Uint8Array(EVIDENCE_BYTES_MAX + 1) : file.value.bytes;
  };
  return {
    wasm: readModule(folder, moduleBytesMax, seen),
    manifest: evidence("manifest.json"),
    signature: evidence("module.sig"),
    envelope: evidence("module.dsse.json"),
    publicKeyHint: evidence("pubkey.b64"),
    digestFile: evidence("module.sha256"),
  };
}

function readModule(folder: string, bytesMax: number, seen: Map<string, FileStatus>): Result<Bytes, SourceFault> {
  const path = join(folder, "module.wasm");
  const file = readFileBounded(path, bytesMax);
  if (!file.ok) {
    const isolated = file.fault === "ENOENT" ? describeNote(folder) : undefined;
    if (isolated !== undefined) return fail({ code: "source/quarantined", detail: isolated });
    if (file.fault === "ENOENT") return fail({ code: "source/module-missing", detail: "" });
    if (file.fault === "ELOOP") return fail({ code: "source/not-a-file", detail: "it is a link" });
    if (file.fault === "not a file") return fail({ code: "source/not-a-file", detail: "" });
    return fail({ code: "source/unreadable", detail: file.fault });
  }
  const { bytes, size, status } = file.value;
  seen.set(path, status);
  if (size > bytesMax)
    return fail({ code: "source/module-too-large", detail: `${size} bytes, and at most ${bytesMax} are read` });
  return ok(bytes);
}

function captureSandbox(folder: string) {
  const captured = captureFolder(join(folder, "sandbox"));
  if (!captured.ok) return captured;
  return ok([{ guestPath: "/sandbox", files: captured.value.files, folders: captured.value.folders }]);
}
