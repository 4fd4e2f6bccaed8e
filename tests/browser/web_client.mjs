// What web_client_test.py has in its page: a client whose words are kept, and a server by script.
import * as client from '/client/tallybus-client.js';
Object.assign(window, client);

/** Connects, and keeps what listeners hear and what a `for await` reads. */
window.start = (url, options) => {
  Object.assign(window, {client: client.connect(url, options), heard: [], read: [], states: [],
                         finish: null, ended: null});
  for (const kind of ['event', 'snapshot', 'gap', 'resumed'])
    window.client.on(kind, told => heard.push(told));
  window.client.on('state', state => states.push(state));
  window.client.on('close', closed => { finish = closed; });
  window.reading = (async () => { for await (const told of window.client) read.push(told); })();
  reading.then(() => { ended = 'done'; }, error => { ended = `${error.name} ${error.code}`; });
};

/** What somebody read or heard, in few words. */
window.words = told => told.map(t => t.kind === 'event' ? t.data.status
    : t.kind === 'gap' ? `gap ${t.missed}` : t.kind);

/** A WebSocket that says what a test lets it say. `sockets` are all that were opened. */
window.sockets = [];
window.ScriptedSocket = class {
  static OPEN = 1;
  sent = [];
  constructor(url, protocol) {
    Object.assign(this, {url, protocol});
    sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  say(frame) { this.onmessage({data: JSON.stringify(frame)}); }
};
