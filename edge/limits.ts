/*
 * What one edge may hold, whatever its clients do. docs/security.md and docs/deployment.md explain the sum:
 * idle process + MAX_CONNECTIONS × 64 KiB + FIRST_BYTES + AHEAD_BYTES + UPLOADS_AT_ONCE × 64 MiB:
 * two parts of 16 MiB, and what was read and is not yet collected (`npm run bench:edge`).
 */

const KIB = 1024
const MIB = 1024 * KIB

/**
 * Largest body that goes to the API as it is. Lambda takes 6 MB, in which API Gateway puts the body as base64: 5.6 MB for this
 * much, and the request's headers beside it.
 */
export const SMALL_BODY_BYTES = 4 * MIB

/** API Gateway takes no larger body. One that is to be signed is held whole, so the edge refuses it by itself. */
export const SIGNED_BODY_BYTES = 10 * MIB

/**
 * First bytes of a body that are read without a share of the budget. They are counted with the connection, for which Node may hold
 * 64 KiB of unread bytes anyway.
 */
export const FREE_BYTES = 16 * KIB

/**
 * Budget of bodies of at most {@link FIRST_BODY_BYTES}, and of the beginning of all others. A budget of its own, so that clients
 * that send little and stall hold none of the next one.
 */
export const FIRST_BYTES = 32 * MIB
export const FIRST_BODY_BYTES = 256 * KIB

/** Budget of larger bodies that are read ahead: small ones until the API has answered, the first 4 MiB of large ones. */
export const AHEAD_BYTES = 112 * MIB

/** Core uses five connections per host: its share is never smaller than what these take. */
export const CORE_CONNECTIONS = 5

/** Of the budgets, for all connections of one client, in percent. */
export const CLIENT_SHARE_PERCENT = 50

/** With more waiting, the newest is served first: the older ones have waited in vain already, and most will give up. */
export const FAIR_QUEUE = 8

/** A body waits so long for its share of the first and the ahead budget, which are given back within seconds. */
export const AHEAD_WAIT_MS = 30_000

/** An upload waits so long for a place: others may have gigabytes to go. */
export const PLACE_WAIT_MS = 5 * 60_000

/** What a client is told to wait before it tries again. */
export const RETRY_AFTER_SECONDS = 10

/** A body must bring {@link MIN_BYTES_PER_SECOND} on average of each such time. */
export const IDLE_MS = 60_000
export const MIN_BYTES_PER_SECOND = 1 * KIB

/**
 * Pieces of a body (HTTP chunks, or reads of the socket) bring {@link MIN_PIECE_BYTES} on average, but for at most this many at a
 * time. A piece costs the event loop a few microseconds however small it is; ordinary clients send 2 to 64 KiB.
 */
export const FREE_PIECES = 1024
export const MIN_PIECE_BYTES = 64

/** A client whose connection is closed while it sends has this long to read the answer. */
export const CLOSE_DELAY_MS = 500

/** While others wait, who brought less than {@link PROGRESS_BYTES} for so long may lose its share to them. */
export const STALLED_MS = 1000
/** The same while more than {@link FAIR_QUEUE} wait. */
export const CROWDED_STALLED_MS = 250
export const PROGRESS_BYTES = 16 * KIB

/** Connections of one edge, of 64 KiB each; a further one takes the place of the one that moved least recently. */
export const MAX_CONNECTIONS = 1024

/** A client that was refused may go on sending for so long: core reads no answer before it has sent its 15 GB. */
export const LINGER_MS = 30 * 60_000
