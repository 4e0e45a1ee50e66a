import type { Bytes, Explanation, Fault, Result } from "#core";

/** Why a file of the inbox is not taken in. Nothing of it is executed, and nothing of it is placed. */
export type InboxFaultCode =
  | "inbox/name-unusable"
  | "inbox/not-a-file"
  | "inbox/unreadable"
  | "inbox/too-large"
  | "inbox/wrong-kind"
  | "inbox/archive-malformed"
  | "inbox/archive-too-many-files"
  | "inbox/archive-name-forbidden"
  | "inbox/archive-not-a-file"
  | "inbox/archive-too-large"
  | "inbox/archive-without-module"
  | "inbox/claims-malformed"
  | "inbox/tenant-of-another"
  | "inbox/folder-in-the-way";

export type InboxFault = Fault & { readonly code: InboxFaultCode; readonly detail: string };

const SENTENCES: Readonly<Record<InboxFaultCode, string>> = {
  "inbox/name-unusable": "the file's name gives no tenant a name",
  "inbox/not-a-file": "it is no regular file",
  "inbox/unreadable": "it cannot be read",
  "inbox/too-large": "it is larger than what is taken in",
  "inbox/wrong-kind": "only `.wasm` and `.zip` are taken in",
  "inbox/archive-malformed": "the archive is malformed",
  "inbox/archive-too-many-files": "the archive has too many files",
  "inbox/archive-name-forbidden": "the archive has a file of a name that is not expected",
  "inbox/archive-not-a-file": "the archive has something that is no plain file",
  "inbox/archive-too-large": "the archive would unpack to more than is taken in",
  "inbox/archive-without-module": "the archive has no `module.wasm`",
  "inbox/claims-malformed": "`submission.json` is malformed",
  "inbox/tenant-of-another": "another account submits for this tenant",
  "inbox/folder-in-the-way": "the tenant's folder is not one of the inbox",
};

const HINTS: Partial<Readonly<Record<InboxFaultCode, string>>> = {
  "inbox/archive-name-forbidden":
    "an archive has `module.wasm`, and beside it only its manifest, its signature and `submission.json`",
  "inbox/name-unusable": "begin it with a letter or a digit, like `resize-images.wasm`",
  "inbox/tenant-of-another": "submit under another file name",
};

/** One sentence about a file that is not taken in. */
export function explainInboxFault({ code, detail }: InboxFault): Explanation {
  const message = detail === "" ? SENTENCES[code] : `${SENTENCES[code]}: ${detail}`;
  const hint = HINTS[code];
  return hint === undefined ? { message } : { message, hint };
}

/** A file that lies in the inbox, read once. Its content may be anything. */
export type PendingFile = {
  readonly name: string;
  /** Who owns it, as the system says. */
  readonly owner: { readonly uid: number; readonly account: string };
  readonly content: Result<Bytes, InboxFault>;
};

/** The files of a submission by the names that they have in a module folder, and `submission.json`. */
export type SubmittedFiles = ReadonlyMap<string, Bytes>;
