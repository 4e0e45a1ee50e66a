import type { Duplex } from "node:stream";
import { type Bytes, concatBytes } from "#core";

const ONE_WRITE_BYTES_MAX = 65_536; // above this, copying costs more than a second write

/** Frames on their way to a sandbox. What is sent in one turn of the event loop goes out together: a write costs more than a frame. */
export class Outbox {
  readonly #channel: Duplex;
  #parts: Bytes[] = [];
  #bytes = 0;

  constructor(channel: Duplex) {
    this.#channel = channel;
  }

  send(frame: readonly Bytes[]): void {
    // After the promises of this turn: those who hear of an answer may have the next job.
    if (this.#parts.length === 0) process.nextTick(() => this.#write());
    for (const part of frame) {
      this.#parts.push(part);
      this.#bytes += part.length;
    }
  }

  #write(): void {
    const parts = this.#bytes <= ONE_WRITE_BYTES_MAX ? [concatBytes(this.#parts)] : this.#parts;
    this.#parts = [];
    this.#bytes = 0;
    if (this.#channel.destroyed) return;
    this.#channel.cork();
    for (const part of parts) this.#channel.write(part);
    this.#channel.uncork();
  }
}
