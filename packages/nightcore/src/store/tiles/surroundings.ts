/** Where a checkpoint lies that somebody has cosigned, seen from the ledger folder. */
export const WITNESSED_FILE = "../witnessed";
/** The mark of a ledger that was put there from a backup, inside the ledger folder. While it stands nothing is appended. */
export const RESTORED_FILE = "restored";
