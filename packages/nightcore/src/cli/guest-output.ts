import { escapeControls } from "#core";
import type { PrintedStream } from "#ports";

/** Where a guest's output goes: this process's own streams, as far as they are needed. */
export type OutputTarget = { readonly isTTY?: boolean; write(chunk: Uint8Array | string): unknown };

/**
 * What one guest prints, as it comes: exactly its bytes into a file or pipe, harmless text onto a terminal, also where a character
 * or an escape sequence is cut between two pieces. Our own lines begin at the left edge again after {@link finish}.
 */
export class GuestOutput {
  readonly #targets: Readonly<Record<PrintedStream, OutputTarget>>;
  // A byte order mark is text like any other, so that pieces and the whole show the same.
  readonly #decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true }),
  };
  readonly #shownBytes = { stdout: 0, stderr: 0 };
  #lineOpen = false;

  constructor(targets: Readonly<Record<PrintedStream, OutputTarget>>) {
    this.#targets = targets;
  }

  /** Shows the next bytes of a stream. */
  show(stream: PrintedStream, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#shownBytes[stream] += bytes.length;
    const target = this.#targets[stream];
    if (target.isTTY !== true) target.write(bytes);
    else this.#showText(target, this.#decoders[stream].decode(bytes, { stream: true }));
  }

  /** Shows what has not been shown of a whole stream, and ends a character and a line that the guest left open. */
  finish(stream: PrintedStream, whole: Uint8Array): void {
    this.show(stream, whole.subarray(this.#shownBytes[stream]));
    const target = this.#targets[stream];
    if (target.isTTY !== true) return;
    this.#showText(target, this.#decoders[stream].decode());
    if (this.#lineOpen) target.write("\n");
    this.#lineOpen = false;
  }

  #showText(target: OutputTarget, text: string): void {
    if (text === "") return;
    const lines = text.split("\n");
    target.write(lines.map((line) => escapeControls(line)).join("\n"));
    this.#lineOpen = lines.at(-1) !== "";
  }
}
