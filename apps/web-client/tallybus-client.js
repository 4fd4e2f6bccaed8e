// What becomes of streams, in a web page: a client of the dialect tallybus.v1, docs/client_protocol.md.
//
//   const client = connect('ws://127.0.0.1:5580', {session: 's1'});
//   for await (const told of client) if (told.kind === 'event') console.log(told.name, told.data);
//
// It connects again by itself and resumes behind the last event. What was missed is told as a gap,
// and behind each gap comes a snapshot. Types, with what they mean: tallybus-client.d.ts.

// Close codes after which connecting again would bring the same.
const FINAL = new Set([1002, 1003, 1007, 1009, 4400, 4401, 4403, 4429]);
const KINDS = new Set(['event', 'snapshot', 'gap', 'resumed', 'state', 'close']);
// Silent for two of these: asked for a sign; for one more: given up.
const PULSE_MS = 20_000;
// Snapshots are asked for at most so often: a page that is too slow is not made slower by them.
const REPAIR_MS = 1_000;

export class TallybusError extends Error {
  constructor(code, reason) {
    super(`refused for good, ${code}${reason && ': ' + reason}`);
    this.name = 'TallybusError';
    this.code = code;
    this.reason = reason;
  }
}

export function reconnectDelay(attempt, {first = 1_000, most = 30_000} = {}, random = Math.random) {
  return Math.min(most, first * 2 ** attempt) * (1 + random()) / 2;
}

export function clientsAddress(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace(/^http/, 'ws');
  if (address.pathname === '/') address.pathname = '/clients';
  return address.href;
}

export function connect(url, options) {
  return new Client(clientsAddress(url), options);
}

// Fails where the promise takes longer.
function inTime(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(reject, ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// What waits for the reader of one `for await`.
class Queue {
  #told = [];
  #missed;  // a gap is open: so many events found no room; null: nobody knows how many
  #wake;
  #room; #whenGapEnds;

  constructor(room, whenGapEnds) {
    this.#room = Math.max(1, room);
    this.#whenGapEnds = whenGapEnds;
  }

  push(told) {
    if (this.#missed === undefined && this.#told.length < this.#room) {
      this.#told.push(told);
      return this.wake();
    }
    const more = told.kind === 'event' ? 1 : told.kind === 'gap' ? told.missed : 0;
    this.#missed = this.#missed === null || more === null ? null : (this.#missed ?? 0) + more;
  }

  shift() {
    const told = this.#told.shift();
    if (this.#missed !== undefined && this.#told.length <= this.#room / 2) {
      this.#told.push({kind: 'gap', missed: this.#missed});
      this.#missed = undefined;
      this.#whenGapEnds();
    }
    return told;
  }

  wake() { this.#wake?.(); }
  waken() { return new Promise(resolve => { this.#wake = resolve; }); }
}

class Client {
  #url; #options; #items;
  #state = 'connecting'; #error; #closed;
  #socket; #pulse; #silent = 0;     // the connection, and how often the pulse found it silent
  #attempt = 0; #retrying;
  #last;                            // the id of the last event, on whichever connection
  #told = false;                    // something was told before
  #asked = false; #askedAt = 0;     // a watch is not answered yet
  #answered = false;                // this connection's first watch was
  #snapshot = [];                   // its frames so far
  #gap = false; #repairing;         // there was a gap, and no snapshot since
  #listeners = new Map(); #queues = new Set();

  constructor(url, options) {
    this.#url = url;
    this.#options = options;
    this.#items = ['session', 'stream', 'app'].flatMap(
        what => [options?.[what] ?? []].flat().map(value => ({[what]: value})));
    if (!this.#items.length) throw new TypeError('connect: name a session, a stream or an app');
    this.#open();
  }

  get state() { return this.#state; }

  on(name, listener) {
    const key = KINDS.has(name) ? name : 'event ' + name;
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    // Who comes too late for the one that there is hears it all the same.
    if (key === 'close' && this.#closed) queueMicrotask(() => listener(this.#closed));
    return () => { listeners.delete(listener); };
  }

  close() { this.#end(1000, ''); }

  [Symbol.asyncIterator]() {
    const queue = new Queue(this.#options.queue ?? 1_000, () => this.#repair());
    this.#queues.add(queue);
    if (this.#told && this.#state !== 'closed') {  // it begins late
      queue.push({kind: 'gap', missed: null});
      this.#repair();
    }
    return this.#read(queue);
  }

  async *#read(queue) {
    try {
      for (;;) {
        const told = queue.shift();
        if (told) yield told;
        else if (this.#state !== 'closed') await queue.waken();
        else if (this.#error) throw this.#error;
        else return;
      }
    } finally {
      this.#queues.delete(queue);
    }
  }

  async #open() {
    this.#enter('connecting');
    const {token, WebSocket = globalThis.WebSocket} = this.#options;
    let shown, socket;
    try {
      shown = await (typeof token === 'function' ? inTime(token(), 3 * PULSE_MS) : token);
    } catch {
      return this.#retry();
    }
    if (this.#state === 'closed') return;
    try {
      socket = this.#socket = new WebSocket(this.#url, 'tallybus.v1');
    } catch (error) {  // such as ws: in a page of https:
      return this.#end(1006, String(error));
    }
    this.#pulse = setInterval(() => this.#checkPulse(), PULSE_MS);
    socket.onopen = () => {
      this.#watch({after: this.#last, token: shown});
      if (this.#told && !this.#last) this.#tell({kind: 'gap', missed: null});
    };
    socket.onmessage = ({data}) => {
      this.#silent = 0;
      this.#take(JSON.parse(data));
    };
    socket.onclose = ({code, reason}) => this.#lost(code, reason);
    socket.onerror = () => {};  // a close follows; in Node's ws nobody listening would be fatal
  }

  #watch(more) {
    this.#asked = true;
    this.#askedAt = Date.now();
    this.#socket.send(JSON.stringify({message: 'Watch', data: this.#items, ...more}));
  }

  #take({message, id, time, data, more, cut = false}) {
    if (id) {
      this.#last = id;
      this.#tell({kind: 'event', name: message, id, time, data: data[0]});
    } else if (message === 'Snapshot') {
      this.#snapshot.push(...data);
      if (more) return;
      this.#gap = false;
      this.#answer({kind: 'snapshot', data: this.#snapshot.splice(0), cut});
    } else if (message === 'Resumed') {
      this.#answer({kind: 'resumed'});
      if (this.#gap) this.#repair();
    } else if (message === 'Gap') {
      this.#tell({kind: 'gap', missed: data[0].missed});
      this.#repair();
    }
  }

  #answer(told) {
    this.#asked = false;
    this.#answered = true;
    this.#attempt = 0;
    this.#enter('open');
    this.#tell(told);
  }

  // A snapshot is on its way already, or is asked for; without a connection, by the next one.
  #repair() {
    this.#gap = true;
    if (this.#asked || !this.#answered) return;
    this.#repairing ??= setTimeout(() => {
      this.#repairing = undefined;
      this.#watch();
    }, Math.max(0, this.#askedAt + REPAIR_MS - Date.now()));
  }

  #tell(told) {
    this.#told = true;
    if (told.kind === 'event') this.#call('event ' + told.name, told);
    this.#call(told.kind, told);
    for (const queue of this.#queues) queue.push(told);
  }

  #call(key, value) {
    for (const listener of this.#listeners.get(key) ?? []) {
      try {
        listener(value);
      } catch (error) {  // no other listener suffers, but it must be seen
        queueMicrotask(() => { throw error; });
      }
    }
  }

  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#call('state', state);
  }

  // By ticks, not by the clock: a page in the background has its timers once a minute.
  #checkPulse() {
    this.#silent++;
    if (this.#silent > 2) this.#lost(1006, 'nothing came');
    else if (this.#silent === 2 && this.#answered) this.#socket.send('{"message":"Ping"}');
  }

  #lost(code, reason) {
    // A token ends while it is used: a function may have a newer one.
    const newToken = code === 4401 && this.#answered && typeof this.#options.token === 'function';
    if (FINAL.has(code) && !newToken) this.#end(code, reason);
    else this.#retry();
  }

  #retry() {
    if (this.#state === 'closed') return;
    this.#drop();
    this.#retrying = setTimeout(() => this.#open(),
                                reconnectDelay(this.#attempt++, this.#options.retry));
    this.#enter('waiting');
  }

  #drop() {
    clearInterval(this.#pulse);
    clearTimeout(this.#retrying);
    clearTimeout(this.#repairing);
    this.#asked = this.#answered = false;
    this.#repairing = undefined;
    this.#silent = 0;
    this.#snapshot = [];
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = undefined;
  }

  #end(code, reason) {
    if (this.#state === 'closed') return;
    this.#drop();
    if (code !== 1000) this.#error = new TallybusError(code, reason);
    this.#closed = {code, reason};
    this.#enter('closed');
    this.#call('close', this.#closed);
    // A refusal for good that nobody would hear of must be seen.
    const heard = this.#listeners.get('close')?.size || this.#queues.size || !this.#error;
    if (!heard) queueMicrotask(() => { throw this.#error; });
    for (const queue of this.#queues) queue.wake();
  }
}
