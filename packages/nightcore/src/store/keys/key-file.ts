import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { closeSync, existsSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { encodeBase64, type Explanation, fail, ok, parseBase64, quote, type Result, unreachable } from "#core";
import { privateKeyObject, publicKeyOf } from "./crypto.ts";

export type KeyFileFault =
  | { readonly code: "keys/exists"; readonly file: string }
  | { readonly code: "keys/missing"; readonly file: string }
  | { readonly code: "keys/unreadable"; readonly file: string; readonly why: string }
  | { readonly code: "keys/malformed"; readonly file: string }
  | { readonly code: "keys/not-ed25519"; readonly file: string }
  | { readonly code: "keys/passphrase-needed"; readonly file: string }
  | { readonly code: "keys/passphrase-wrong"; readonly file: string };

export function explainKeyFileFault(fault: KeyFileFault): Explanation {
  switch (fault.code) {
    case "keys/exists":
      return { message: `${quote(fault.file)} exists and is never overwritten`, hint: "choose another folder or name" };
    case "keys/missing":
      return {
        message: `there is no key file ${quote(fault.file)}`,
        hint: "make one with `nightcore generate-keys --out-dir DIR`",
      };
    case "keys/unreadable":
      return { message: `the key file ${quote(fault.file)} cannot be used: ${fault.why}` };
    case "keys/malformed":
      return { message: `${quote(fault.file)} is neither a PEM key nor 32 bytes in base64` };
    case "keys/not-ed25519":
      return { message: `${quote(fault.file)} holds a key that is not Ed25519` };
    case "keys/passphrase-needed":
      return {
        message: `the key ${quote(fault.file)} is encrypted`,
        hint: "give its passphrase in NIGHTCORE_PASSPHRASE, or in a file with `--passphrase-file`",
      };
    case "keys/passphrase-wrong":
      return { message: `the passphrase does not open ${quote(fault.file)}` };
    default:
      return unreachable(fault);
  }
}

/**
 * Reads an Ed25519 private key: PKCS#8 in PEM, plain or encrypted (RFC 5958), or v39's base64 of the 32-byte seed.
 * The passphrase is asked for only when the file is encrypted.
 */
export function readPrivateKey(file: string, askPassphrase: () => string | undefined): Result<KeyObject, KeyFileFault> {
  const text = readKeyText(file);
  if (!text.ok) return text;
  if (!text.value.startsWith("-----BEGIN")) {
    const seed = parseBase64(text.value);
    return seed.ok && seed.value.length === 32 ? ok(privateKeyObject(seed.value)) : fail({ code: "keys/malformed", file });
  }
  const encrypted = text.value.includes("ENCRYPTED");
  const passphrase = encrypted ? askPassphrase() : undefined;
  if (encrypted && (passphrase === undefined || passphrase === "")) return fail({ code: "keys/passphrase-needed", file });
  try {
    const key = createPrivateKey(passphrase === undefined ? text.value : { key: text.value, passphrase });
    return key.asymmetricKeyType === "ed25519" ? ok(key) : fail({ code: "keys/not-ed25519", file });
  } catch {
    return fail({ code: encrypted ? "keys/passphrase-wrong" : "keys/malformed", file });
  }
}

/** Reads the 32 bytes of an Ed25519 public key: v39's base64, or SPKI in PEM. */
export function readPublicKey(file: string): Result<Uint8Array, KeyFileFault> {
  const text = readKeyText(file);
  if (!text.ok) return text;
  if (!text.value.startsWith("-----BEGIN PUBLIC KEY")) {
    const raw = parseBase64(text.value);
    return raw.ok && raw.value.length === 32 ? ok(raw.value) : fail({ code: "keys/malformed", file });
  }
  try {
    const key = createPublicKey(text.value);
    return key.asymmetricKeyType === "ed25519" ? ok(publicKeyOf(key)) : fail({ code: "keys/not-ed25519", file });
  } catch {
    return fail({ code: "keys/malformed", file });
  }
}

function readKeyText(file: string): Result<string, KeyFileFault> {
  try {
    const bytes = readFileSync(file);
    return bytes.length > 16_384 ? fail({ code: "keys/malformed", file }) : ok(bytes.toString("utf8").trim());
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return fail(why === "ENOENT" ? { code: "keys/missing", file } : { code: "keys/unreadable", file, why });
  }
}

/**
 * Makes an Ed25519 key pair: `<path>.key` (PKCS#8 in PEM, 0600, encrypted when there is a passphrase) and `<path>.pub`
 * (base64 of 32 bytes). Neither file is ever overwritten; when one of them exists, nothing is written.
 */
export function writeKeyPair(
  path: string,
  passphrase: string | undefined,
): Result<{ key: KeyObject; publicKey: Uint8Array }, KeyFileFault> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({
    type: "pkcs8",
    format: "pem",
    ...(passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase }),
  });
  const raw = publicKeyOf(publicKey);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (existsSync(`${path}.pub`)) return fail({ code: "keys/exists", file: `${path}.pub` });
  const fault = writeNew(`${path}.key`, pem, 0o600) ?? writeNew(`${path}.pub`, `${encodeBase64(raw)}\n`, 0o644);
  return fault === undefined ? ok({ key: privateKey, publicKey: raw }) : fail(fault);
}

function writeNew(file: string, text: string, mode: number): KeyFileFault | undefined {
  let fd: number;
  try {
    fd = openSync(file, "wx", mode);
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return why === "EEXIST" ? { code: "keys/exists", file } : { code: "keys/unreadable", file, why };
  }
  try {
    fchmodSync(fd, mode); // the umask may have been looser or tighter; the key's mode is ours to say
    writeSync(fd, text);
    fsyncSync(fd);
    return undefined;
  } finally {
    closeSync(fd);
  }
}
