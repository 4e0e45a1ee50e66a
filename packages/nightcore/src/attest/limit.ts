/** LIMIT: what an entry of a tlog-tiles log can hold (a 16-bit length); an envelope that can be logged can be handed out too. */
export const ENVELOPE_BYTES_MAX = 65_535;
