import { type Explanation, quote, unreachable } from "#core";

export type ForwardFault =
  | { readonly code: "forward/destination-refused"; readonly destination: string; readonly why: string }
  | { readonly code: "forward/unreachable"; readonly destination: string; readonly detail: string }
  | { readonly code: "forward/not-confirmed"; readonly destination: string; readonly detail: string }
  | { readonly code: "forward/position-malformed"; readonly file: string }
  | { readonly code: "forward/log-shorter"; readonly destination: string; readonly next: number; readonly size: number };

/** One sentence per fault of this room. */
export function explainForwardFault(fault: ForwardFault): Explanation {
  switch (fault.code) {
    case "forward/destination-refused":
      return {
        message: `${quote(fault.destination)} is no destination: ${fault.why}`,
        hint: "one of file:PATH, syslog+tls://HOST:PORT, https://HOST/PATH; without TLS only on this machine",
      };
    case "forward/unreachable":
      return {
        message: `${quote(fault.destination)} cannot be reached: ${fault.detail}`,
        hint: "nothing is lost: forwarding goes on from the last confirmed entry",
      };
    case "forward/not-confirmed":
      return {
        message: `${quote(fault.destination)} did not confirm what it was sent: ${fault.detail}`,
        hint: "nothing is lost: what was not confirmed is sent again",
      };
    case "forward/position-malformed":
      return {
        message: `${quote(fault.file)} does not say how far forwarding came`,
        hint: "delete it to begin anew, or give `--from N`; receivers may see entries twice",
      };
    case "forward/log-shorter":
      return {
        message: `${quote(fault.destination)} has confirmed ${fault.next} entries, and the log has published ${fault.size}`,
        hint: "an older copy of the log was restored; what the receiver has is the newer record",
      };
    default:
      return unreachable(fault);
  }
}
