// The types of tallybus-client.js.

/** What is watched; at least one. A text or several, each compared byte for byte. */
export interface Watched {
  session?: string | string[];
  /** A stream's name, in all apps. */
  stream?: string | string[];
  app?: string | string[];
}

export interface Options extends Watched {
  /** What shows who we are. A function is asked before each connection, so that it can bring a newer one. */
  token?: string | (() => string | Promise<string>);
  /** What one `for await` may have waiting, in events; 1,000. What has no room is told as a gap. */
  queue?: number;
  /** The steps of the back-off in milliseconds, `first` (1,000), doubled up to `most` (30,000). */
  retry?: {first?: number; most?: number};
  /** For Node.js before 22, which has none of its own. */
  WebSocket?: typeof globalThis.WebSocket;
}

/** The fields of the event's JSON object, as docs/life_of_an_event.md has them; all may be missing. */
export interface Data {
  nodeId?: string;
  appKey?: string;
  sessionId?: string;
  mediaSessionId?: string;
  name?: string;
  published?: boolean;
  hasVideo?: boolean;
  hasAudio?: boolean;
  status?: string;
  info?: string;
  [field: string]: unknown;
}

/** One event: `name` is StreamStatusEvent, ErrorEvent, …; `id` is the backend's `webhook-id`. */
export interface EventTold {
  kind: 'event';
  name: string;
  id: string;
  /** When the engine saw it, RFC 3339. */
  time: string;
  data: Data;
}

/** The streams that live: it takes the place of all that was known. cut: there are more. */
export interface SnapshotTold {
  kind: 'snapshot';
  data: Data[];
  cut: boolean;
}

/** Here something was missed; null: nobody knows how much. A snapshot follows. */
export interface GapTold {
  kind: 'gap';
  missed: number | null;
}

/** The connection was lost and is back; nothing was missed. */
export interface ResumedTold {
  kind: 'resumed';
}

export type Told = EventTold | SnapshotTold | GapTold | ResumedTold;

/** waiting: the connection was lost, and the next attempt is due after a while. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * Why it is closed: 1000, close() was called; 1006, the browser would not connect at all (ws: from a
 * page of https:); else a final close code of docs/client_protocol.md.
 */
export interface Closed {
  code: number;
  reason: string;
}

export class TallybusError extends Error implements Closed {
  code: number;
  reason: string;
}

export interface Client extends AsyncIterable<Told> {
  readonly state: State;

  /**
   * Calls `listener` for each of its kind, until the function that is returned is called. Any other
   * name is an event's: on('StreamStatusEvent', …).
   */
  on(kind: 'event', listener: (told: EventTold) => void): () => void;
  on(kind: 'snapshot', listener: (told: SnapshotTold) => void): () => void;
  on(kind: 'gap', listener: (told: GapTold) => void): () => void;
  on(kind: 'resumed', listener: (told: ResumedTold) => void): () => void;
  on(kind: 'state', listener: (state: State) => void): () => void;
  on(kind: 'close', listener: (closed: Closed) => void): () => void;
  on(name: string, listener: (told: EventTold) => void): () => void;

  /**
   * All that is told from now on. One that begins late begins with a gap and a snapshot. Ends by
   * close(); throws TallybusError where the server refused for good.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Told, void, void>;

  /** Ends it for good. What iterators have waiting can still be read. */
  close(): void;
}

/**
 * Watches at `url`, such as wss://media.example.org, until close(); the path is /clients where there
 * is none. Throws TypeError where the address is none, or nothing is watched.
 */
export function connect(url: string, options: Options): Client;

/** The address that is connected to: http and ws mean the same. */
export function clientsAddress(url: string): string;

/** Milliseconds before attempt 0, 1, 2, …: by chance between the half and the whole of its step. */
export function reconnectDelay(attempt: number, retry?: Options['retry'], random?: () => number): number;
