import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { closeSync, existsSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { encodeBase64, type Explanation, fail, ok, parseBase64, quote, type Result, unreachable } from "#core";
import { ML_DSA_PUBLIC_BYTES, privateKeyObject, publicKeyOf } from "./crypto.ts";

export type KeyFileFault =
  | { readonly code: "keys/exists"; readonly file: string }
  | { readonly code: "keys/missing"; readonly file: string }
  | { readonly code: "keys/unreadable"; readonly file: string; readonly why: string }
  | { readonly code: "keys/malformed"; readonly file: string }
  | { readonly code: "keys/not-ed25519"; readonly file: string }
  | { readonly code: "keys/not-ml-dsa-44"; readonly file: string }
  | { readonly code: "keys/algorithm-absent"; readonly file: string }
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
    case "keys/not-ml-dsa-44":
      return { message: `${quote(fault.file)} holds no ML-DSA-44 key` };
    case "keys/algorithm-absent":
      return {
        message: `${quote(fault.file)} cannot be made: this Node has no ML-DSA-44`,
        hint: "use a Node whose OpenSSL is 3.5 or later; `node -p process.versions.openssl` says",
      };
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
  return writePair(path, generateKeyPairSync("ed25519"), passphrase);
}

/** The same for ML-DSA-44, never encrypted: the node signs with it unattended. */
export function writeMlDsaKeyPair(path: string): Result<{ key: KeyObject; publicKey: Uint8Array }, KeyFileFault> {
  let pair: KeyPair;
  try {
    pair = generateKeyPairSync("ml-dsa-44");
  } catch {
    return fail({ code: "keys/algorithm-absent", file: `${path}.key` });
  }
  return writePair(path, pair, undefined);
}

/** Reads an unencrypted ML-DSA-44 private key: PKCS#8 in PEM (RFC 9881). */
export function readMlDsaPrivateKey(file: string): Result<KeyObject, KeyFileFault> {
  const text = readKeyText(file);
  if (!text.ok) return text;
  try {
    const key = createPrivateKey(text.value);
    return key.asymmetricKeyType === "ml-dsa-44" ? ok(key) : fail({ code: "keys/not-ml-dsa-44", file });
  } catch {
    return fail({ code: "keys/malformed", file });
  }
}

/** Reads the 1,312 bytes of an ML-DSA-44 public key in base64. */
export function readMlDsaPublicKey(file: string): Result<Uint8Array, KeyFileFault> {
  const text = readKeyText(file);
  if (!text.ok) return text;
  const raw = parseBase64(text.value);
  if (!raw.ok) return fail({ code: "keys/malformed", file });
  return raw.value.length === ML_DSA_PUBLIC_BYTES ? ok(raw.value) : fail({ code: "keys/not-ml-dsa-44", file });
}

type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

function writePair(
  path: string,
  { privateKey, publicKey }: KeyPair,
  passphrase: string | undefined,
): Result<{ key: KeyObject; publicKey: Uint8Array }, KeyFileFault> {
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
