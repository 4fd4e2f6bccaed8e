// A backend that takes Tallybus's requests, by Node's standard library alone.
//
//     TALLYBUS_SECRET=whsec_… node receiver.mjs [PORT]
//
// It proves who sent a request, keeps the newest status of each stream, and answers: 204 to what it
// has now or had before, 401 to what it cannot prove, 400 to what is no event. It reads one event a
// request, `format: wcs`, and answers 415 to batches and CloudEvents. docs/receiving.md says why,
// and has the SQL for books that outlive the process.
import {createHmac, timingSafeEqual} from "node:crypto";
import {createServer} from "node:http";
import {gunzipSync} from "node:zlib";

const MOST_BYTES = 2 << 20;
const TOLERANCE_S = 300;
const KEY = Buffer.from((process.env.TALLYBUS_SECRET ?? "").replace(/^whsec_/, ""), "base64");
if (KEY.length < 24) {  // anybody can sign with an empty one
  console.error("TALLYBUS_SECRET is no whsec_ key");
  process.exit(1);
}

// lane → its newest event. At most so many lanes, those heard of last: of one that is forgotten, the
// next event is new, a duplicate too. Books that must know more are a table: docs/receiving.md.
const MOST_LANES = Number(process.env.MOST_LANES || 100_000);
const streams = new Map();

class Refused extends Error {
  constructor(status, why) {
    super(why);
    this.status = status;
  }
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    if ((size += part.length) > MOST_BYTES) throw new Refused(413, "larger than any event");
    parts.push(part);
  }
  const sent = Buffer.concat(parts);
  if (request.headers["content-encoding"] !== "gzip") return sent;
  try {
    return gunzipSync(sent, {maxOutputLength: MOST_BYTES});
  } catch {
    throw new Refused(400, "cannot be inflated");
  }
}

// Who knows the secret signed these very bytes, just now.
function prove(headers, body) {
  const stamp = Number(headers["webhook-timestamp"] ?? NaN);
  if (!(Math.abs(Date.now() / 1000 - stamp) <= TOLERANCE_S)) {
    throw new Refused(401, "the time of the signature is missing, or too far off");
  }
  const digest = createHmac("sha256", KEY)
      .update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`).update(body).digest();
  const isMine = entry => {
    const [version, signature] = entry.split(",");
    const bytes = Buffer.from(signature ?? "", "base64");
    return version === "v1" && bytes.length === digest.length && timingSafeEqual(bytes, digest);
  };
  if (!(headers["webhook-signature"] ?? "").split(" ").some(isMine)) {
    throw new Refused(401, "not signed with this secret");
  }
}

function readForm(headers) {
  const [type] = (headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json" || "tallybus-batch" in headers) {
    throw new Refused(415, "neither batches nor CloudEvents are read here, only format: wcs");
  }
}

function eventOf(headers, body) {
  const {"tallybus-lane": lane, "tallybus-sequence": sequence, "tallybus-time": time} = headers;
  try {
    const event = JSON.parse(body);
    const status = event?.status ?? "";
    if (!(event instanceof Object) || Array.isArray(event) || typeof status !== "string") {
      throw new TypeError("no JSON object, or its status is no text");
    }
    if (!lane || !time || !/^[0-9]{1,18}$/.test(sequence)) {
      throw new TypeError("its place in a lane is missing");
    }
    return {lane: decodeURIComponent(lane), sequence: BigInt(sequence), time,
            again: headers["tallybus-redelivery"] === "1", status};
  } catch (error) {
    throw new Refused(400, `no event: ${error.message}`);
  }
}

// True where the event is newer than what is known. Times are of one form and sort as text.
function apply(now) {
  const known = streams.get(now.lane);
  const isNewer = !known || now.time > known.time ||
      (now.sequence > known.sequence && (!now.again || now.time === known.time));
  streams.delete(now.lane);  // it goes to the end of the map
  streams.set(now.lane, isNewer ? now : known);
  if (streams.size > MOST_LANES) streams.delete(streams.keys().next().value);
  return isNewer;
}

const server = createServer(async (request, response) => {
  try {
    const body = await bodyOf(request);
    prove(request.headers, body);
    readForm(request.headers);
    const method = request.url.split("?")[0].split("/").at(-1);
    if (method === "connect") throw new Refused(403, "no session is let in here");
    const {"tallybus-lane": lane, "tallybus-sequence": sequence} = request.headers;
    if (!method.endsWith("StatusEvent")) {
      console.log("no status:", lane, sequence);  // a keep-alive, an alert, a test
    } else {
      console.log(apply(eventOf(request.headers, body)) ? "new" : "old", lane, sequence);
    }
    response.writeHead(204).end();
  } catch (error) {
    console.log("refused", error.status ?? 500, error.message);
    response.writeHead(error.status ?? 500).end();
  }
});
server.listen(Number(process.argv[2] ?? 8081), "127.0.0.1",
              () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
