import type { Bytes, Explanation, Fault, Result } from "#core";
import type { Mount } from "./engine.ts";

/** Why a module's files could not be read. Nothing has looked at their content yet. */
export type SourceFaultCode =
  | "source/folder-missing"
  | "source/leaves-workspace"
  | "source/tenant-name"
  | "source/module-missing"
  | "source/quarantined"
  | "source/module-too-large"
  | "source/not-a-file"
  | "source/unreadable"
  | "source/sandbox-not-a-folder"
  | "source/sandbox-too-large";

export type SourceFault = Fault & { readonly code: SourceFaultCode; readonly detail: string };

const SENTENCES: Readonly<Record<SourceFaultCode, readonly [message: string, hint?: string]>> = {
  "source/folder-missing": ["there is no such module folder", "tenants are the folders under `modules/`"],
  "source/leaves-workspace": [
    "the module folder lies outside the workspace",
    "copy the module into `modules/`; links out are not followed",
  ],
  "source/tenant-name": ["the folder cannot name a tenant"],
  "source/module-missing": ["there is no `module.wasm`"],
  "source/quarantined": [
    "the module is in quarantine, and its bytes are in the vault",
    "`nightcore quarantine show BLOCK` says who can release it",
  ],
  "source/module-too-large": ["`module.wasm` is too large to be read"],
  "source/not-a-file": ["`module.wasm` is not a regular file"],
  "source/unreadable": ["the module's files cannot be read"],
  "source/sandbox-not-a-folder": [
    "`sandbox` is not a folder of its own",
    "links are not followed; copy what the guest may read into it",
  ],
  "source/sandbox-too-large": ["the `sandbox` folder holds more than a guest can be given"],
};

export function explainSourceFault(fault: SourceFault): Explanation {
  const [sentence, hint] = SENTENCES[fault.code];
  const message = fault.detail === "" ? sentence : `${sentence}: ${fault.detail}`;
  return hint === undefined ? { message } : { message, hint };
}

/** The files of one module, each read once. A file that is absent is undefined; its content may be anything. */
export type ModuleFiles = {
  readonly wasm: Result<Bytes, SourceFault>;
  readonly manifest: Bytes | undefined;
  readonly signature: Bytes | undefined;
  readonly envelope: Bytes | undefined;
  readonly publicKeyHint: Bytes | undefined;
  readonly digestFile: Bytes | undefined;
};

/** POWER: reads one tenant's module folder, and nothing outside it. */
export type ModuleSource = {
  readonly tenant: string;
  /** Relative to the workspace, for messages. */
  readonly path: string;
  /** The files as they are now; the same object again while nothing was changed. Nobody writes to the bytes in it. */
  read(): ModuleFiles;
  /** Captures what `fs:read` shows: `<folder>/sandbox` at `/sandbox`. A folder that is absent gives an empty mount. */
  captureMounts(): Result<readonly Mount[], SourceFault>;
  /** Whether there is something for `fs:read` to show: a hint for people whose guest finds nothing. */
  hasSandbox(): boolean;
  /** About how many bytes {@link read} will bring in; 0 when it cannot be told. */
  sizeHint(): number;
};

/** POWER: keeps bytes by their digest. */
export type BlobStore = {
  put(digest: string, bytes: Bytes): void;
  get(digest: string): Bytes | undefined;
};

/** POWER: a store whose owner also takes out of it. */
export type PrunableBlobs = BlobStore & {
  /** Deletes what has these digests. Returns how many blobs were there, and how many bytes went. What is asked for twice is gone already. */
  delete(digests: ReadonlySet<string>): { readonly blobs: number; readonly bytes: number };
};
