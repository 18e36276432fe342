/*
 * Limits of one edge. Its memory is bounded by (docs/deployment.md):
 * idle process + MAX_CONNECTIONS × 64 KiB + FIRST_BYTES + AHEAD_BYTES + EVENT_BYTES + UPLOADS_AT_ONCE × 64 MiB.
 * An upload's 64 MiB are two parts of 16 MiB and garbage (`npm run bench:edge`).
 */

const KIB = 1024
const MIB = 1024 * KIB

/**
 * Maximum size of a body that is forwarded to the API. Lambda accepts events of 6 MB; in base64 this body has 5.6 MB.
 */
export const SMALL_BODY_BYTES = 4 * MIB

/** API Gateway's limit of a body. The edge must buffer a body to sign it, so it enforces the limit itself. */
export const SIGNED_BODY_BYTES = 10 * MIB

/** Bytes of each body that are read without a grant. They count as part of the connection's 64 KiB. */
export const FREE_BYTES = 16 * KIB

/**
 * Budget of bodies of at most {@link FIRST_BODY_BYTES}, and of the beginning of larger ones. Separate, so
 * that clients that stall after a few bytes do not consume {@link AHEAD_BYTES}.
 */
export const FIRST_BYTES = 32 * MIB
export const FIRST_BODY_BYTES = 256 * KIB

/** Budget of larger bodies: up to 4 MiB until the API has answered, and the first 4 MiB of uploads. */
export const AHEAD_BYTES = 112 * MIB

/** Connections of core to one host; a client's share covers an upload on each. */
export const CORE_CONNECTIONS = 5

/** Default percentage of each budget for all connections of one client. */
export const CLIENT_SHARE_PERCENT = 50

/** With more bodies waiting, the newest is granted first: older clients have probably timed out. */
export const FAIR_QUEUE_LENGTH = 8

/** Maximum wait for the first and the ahead budget, whose grants last seconds. */
export const AHEAD_WAIT_MS = 30_000

/** Maximum wait for an upload slot, whose grants may last minutes. */
export const SLOT_WAIT_MS = 5 * 60_000

/** `Retry-After` of every 503. */
export const RETRY_AFTER_SECONDS = 10

/** Period over which a body must arrive at {@link MIN_BYTES_PER_SECOND} on average. */
export const RATE_PERIOD_MS = 60_000
export const MIN_BYTES_PER_SECOND = 1 * KIB

/**
 * Pieces of a body (HTTP chunks, or reads of the socket) must have {@link MIN_PIECE_BYTES} on average; up to this
 * number of smaller ones is allowed at a time. A piece costs the event loop a few microseconds however small it is;
 * ordinary clients send 2 to 64 KiB.
 */
export const FREE_PIECES = 1024
export const MIN_PIECE_BYTES = 64

/** Delay between a refusal and the closing of the connection, for the client to read the response. */
export const CLOSE_DELAY_MS = 500

/** While others wait, a body may be evicted after this time with less than {@link PROGRESS_BYTES}. */
export const STALLED_MS = 1000
/** Replaces {@link STALLED_MS} while more than {@link FAIR_QUEUE_LENGTH} wait. */
export const CROWDED_STALLED_MS = 250
export const PROGRESS_BYTES = 16 * KIB

/** Maximum number of connections of one edge, of 64 KiB each. */
export const MAX_CONNECTIONS = 1024

/** Maximum time for the rest of a refused body: core reads no response before it has sent up to 15 GB. */
export const LINGER_MS = 30 * 60_000

/** Maximum number of clients of one edge's live updates. */
export const EVENT_STREAMS = 64
/** Maximum number of distinct runs that these clients follow by id: five calls to the API per round. */
export const FOLLOWED_RUNS = 1000
/** Limit of live updates that clients have not read yet. One part of a log, of at most 6 MB, is added to it. */
export const EVENT_BYTES = 32 * MIB
/** Pause between two rounds of calls for the live updates. */
export const EVENT_POLL_MS = 1000
/** Load balancers close a connection that is silent for 60 s by default. */
export const HEARTBEAT_MS = 15_000
/** Pause after which a client reconnects. */
export const RECONNECT_MS = 3000
