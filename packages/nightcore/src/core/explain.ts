import type { EncodingFault } from "./base64.ts";
import type { TextFault } from "./bytes.ts";
import type { TenantNameFault } from "./identifier.ts";
import type { JsonFault } from "./json.ts";
import { quote } from "./quote.ts";
import { type Explanation, unreachable } from "./result.ts";

export type CoreFault = EncodingFault | TextFault | TenantNameFault | JsonFault;

export function explainCoreFault(fault: CoreFault): Explanation {
  switch (fault.code) {
    case "core/not-base64":
      return { message: "the text is not padded base64 (RFC 4648 section 4)" };
    case "core/not-hex":
      return { message: "the text is not hexadecimal" };
    case "core/not-utf8":
      return { message: "the text is not UTF-8" };
    case "core/tenant-name-empty":
      return { message: "the tenant name is empty" };
    case "core/tenant-name-too-long":
      return { message: `the tenant name has ${fault.length} characters`, hint: "use at most 128" };
    case "core/tenant-name-forbidden":
      return { message: `${quote(fault.name)} cannot name a tenant`, hint: "use one visible path component without separators" };
    case "core/json-too-large":
      return { message: `the JSON document has ${fault.bytes} bytes, and at most ${fault.bytesMax} are read` };
    case "core/json-syntax":
      return { message: `the JSON document is malformed at offset ${fault.offset}: ${fault.what}` };
    case "core/json-too-deep":
      return { message: `the JSON document nests too deeply at offset ${fault.offset}` };
    case "core/json-duplicate-key":
      return { message: `the JSON document has the key ${quote(fault.key)} twice in one object` };
    case "core/json-forbidden-key":
      return { message: `the JSON document has the key ${quote(fault.key)}, which is never legitimate` };
    default:
      return unreachable(fault);
  }
}
