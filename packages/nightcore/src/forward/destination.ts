import { fail, ok, type Result } from "#core";
import type { ForwardFault } from "./fault.ts";

/** Where entries go. `name` is the destination as it was written; positions are kept under it. */
export type Destination =
  | { readonly kind: "file"; readonly name: string; readonly path: string }
  | { readonly kind: "syslog"; readonly name: string; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: "http"; readonly name: string; readonly url: string };

const SYSLOG_TLS_PORT = 6514; // RFC 5425 4.1
const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Reads `file:PATH`, `syslog+tls://HOST[:PORT]`, `syslog+tcp://…`, `https://…` or `http://…`. What travels without TLS is
 * accepted for this machine only; user names and passwords in an address are refused, since positions and messages name it.
 */
export function parseDestination(name: string): Result<Destination, ForwardFault> {
  const refuse = (why: string) => fail({ code: "forward/destination-refused", destination: name, why } as const);
  if (name.startsWith("file:")) {
    const path = name.slice("file:".length);
    return path === "" || path.includes("\0") ? refuse("it names no file") : ok({ kind: "file", name, path });
  }
  // `syslog+tls:` is no special scheme, whose hosts URL does not check; as https they are.
  const [, scheme = "", rest = ""] = /^(syslog\+tls|syslog\+tcp|https|http):\/\/(.*)$/s.exec(name) ?? [];
  if (scheme === "") return refuse("its beginning is unknown");
  const url = URL.canParse(`https://${rest}`) ? new URL(`https://${rest}`) : undefined;
  if (url === undefined) return refuse("it is no address");
  if (/^[^/?#]*@/.test(rest)) return refuse("it holds a user name or a password");
  const tls = scheme === "syslog+tls" || scheme === "https";
  if (!tls && !LOOPBACK.includes(url.hostname)) return refuse("without TLS, the record would travel in the open");
  if (scheme === "http" || scheme === "https") return ok({ kind: "http", name, url: `${scheme}://${rest}` });
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return refuse("a syslog server has a host and a port only");
  const port = /:(\d+)$/.exec(rest.replace(/\/$/, ""))?.[1];
  return ok({
    kind: "syslog",
    name,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === undefined ? SYSLOG_TLS_PORT : Number(port),
    tls,
  });
}
