/**
 * Hands entries of the log on to other systems: a file, a syslog server, an HTTP endpoint.
 *
 * This room decides when a receiver has an entry, and nothing else. It must never count an entry as delivered before the
 * receiver has confirmed it, never skip one, and never change what it is given: delivery is at least once, in order. It
 * follows RFC 5424 and RFC 5425 (syslog over TLS) and HTTP's 2xx as confirmation.
 */
export { parseDestination } from "./destination.ts";
export type { Destination } from "./destination.ts";
export { explainForwardFault } from "./fault.ts";
export type { ForwardFault } from "./fault.ts";
export { forward } from "./forwarder.ts";
export type { Forwarding, ForwardPowers } from "./forwarder.ts";
export { readPosition, writePosition } from "./position.ts";
export { openSink } from "./sink.ts";
export type { Batch, Sink, TlsFiles } from "./sink.ts";
